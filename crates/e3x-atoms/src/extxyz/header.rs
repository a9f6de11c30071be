//! The comment line of a frame, understood: cell, labels, columns, other keys.

use super::properties::Properties;
use super::value::{self, Fault, show};
use super::{ReadConfig, comment};
use crate::frame::Frame;
use crate::linalg::{determinant, scale};

/// Parses a comment line into a frame without atoms and the columns that its atom lines have.
pub(super) fn parse(line: &str, config: &ReadConfig) -> Result<(Frame, Properties), Fault> {
    let mut frame = Frame::default();
    let mut pbc = None;
    let mut properties = None;
    let mut keys = Vec::new();
    for (key, text) in comment::parse(line)? {
        match key.as_str() {
            "Properties" => properties = Some(Properties::parse(&text, &config.keys)?),
            "Lattice" => frame.cell = Some(value::lattice(&text)?),
            "pbc" => pbc = Some(value::pbc(&text)?),
            _ if key == config.keys.energy => frame.energy = Some(value::real(&text, &key)?),
            _ if key == config.keys.stress => frame.stress = Some(value::tensor(&text, &key)?),
            _ => {
                frame.info.insert(key.clone(), text);
            }
        }
        keys.push(key);
    }
    let Some(properties) = properties else {
        return Err(Fault::new(
            "the comment line of an extended-XYZ frame, with Properties=species:S:1:pos:R:3...",
            show(line),
        ));
    };
    frame.pbc = pbc.unwrap_or([frame.cell.is_some(); 3]);
    if frame.cell.is_none() && frame.pbc.contains(&true) {
        return Err(Fault::new(
            "a Lattice, since pbc holds T",
            format!("the keys {}", keys.join(", ")),
        ));
    }
    stress_from_virial(&mut frame, config)?;
    check_required(&frame, &properties, config, &keys)?;
    Ok((frame, properties))
}

/// Fills in the stress from a virial: stress = −virial / volume.
fn stress_from_virial(frame: &mut Frame, config: &ReadConfig) -> Result<(), Fault> {
    if frame.stress.is_some() {
        return Ok(());
    }
    for key in &config.keys.virial {
        let Some(text) = frame.info.remove(key) else {
            continue;
        };
        let virial = value::tensor(&text, key)?;
        let volume = frame.cell.map_or(0.0, |cell| determinant(&cell).abs());
        if volume <= 0.0 {
            return Err(Fault::new(
                format!("a Lattice with a volume, to make a stress of `{key}`"),
                format!("the volume {volume} Å³"),
            ));
        }
        frame.stress = Some(virial.map(|row| scale(-1.0 / volume, row)));
        return Ok(());
    }
    Ok(())
}

/// Checks that the labels are there that the caller insists on.
fn check_required(
    frame: &Frame,
    properties: &Properties,
    config: &ReadConfig,
    keys: &[String],
) -> Result<(), Fault> {
    let missing = |what: &str, name: &str| {
        Fault::new(
            format!("the {what} `{name}`, which is required here"),
            format!("only the keys {} (columns: Properties)", keys.join(", ")),
        )
    };
    if config.require_energy && frame.energy.is_none() {
        return Err(missing("key", &config.keys.energy));
    }
    if config.require_stress && frame.stress.is_none() {
        return Err(missing("key", &config.keys.stress));
    }
    if config.require_forces && !properties.has_forces() {
        return Err(Fault::new(
            format!(
                "the column `{}:R:3`, which is required here",
                config.keys.forces
            ),
            format!("only {}", properties.describe()),
        ));
    }
    Ok(())
}
