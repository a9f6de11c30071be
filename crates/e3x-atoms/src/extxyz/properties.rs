//! The `Properties` of a frame: which columns its atom lines have.

use super::KeyNames;
use super::value::{self, Fault, show};
use crate::elements;
use crate::frame::{Column, ColumnValues, Frame};

/// The columns of the atom lines, in order.
pub(super) struct Properties {
    fields: Vec<Field>,
    /// The number of words in an atom line.
    pub(super) width: usize,
    /// The value of the key, for messages.
    text: String,
}

/// One column or a few that belong together.
struct Field {
    name: String,
    width: usize,
    target: Target,
}

/// Where the values of a field go.
enum Target {
    Species,
    Number,
    Positions,
    Forces,
    Velocities,
    Other(ColumnValues),
}

impl Properties {
    /// Parses the value of `Properties`.
    pub(super) fn parse(text: &str, keys: &KeyNames) -> Result<Self, Fault> {
        let parts: Vec<&str> = text.split(':').collect();
        if !parts.len().is_multiple_of(3) {
            return Err(Fault::new(
                "Properties: name:kind:width triples",
                show(text),
            ));
        }
        let mut properties = Self {
            fields: Vec::new(),
            width: 0,
            text: text.to_owned(),
        };
        for triple in parts.chunks_exact(3) {
            let field = Field::parse(triple[0], triple[1], triple[2], keys)?;
            if properties
                .fields
                .iter()
                .any(|known| known.name == field.name)
            {
                let twice = format!("`{}` twice in {}", field.name, show(text));
                return Err(Fault::new("each column once in Properties", twice));
            }
            properties.width = properties.width.saturating_add(field.width);
            properties.fields.push(field);
        }
        properties.check_required()?;
        Ok(properties)
    }

    /// Checks that positions and elements are there.
    fn check_required(&self) -> Result<(), Fault> {
        let has = |wanted: fn(&Target) -> bool| self.fields.iter().any(|f| wanted(&f.target));
        if !has(|target| matches!(target, Target::Positions)) {
            return Err(Fault::new(
                "a column pos:R:3 in Properties",
                show(&self.text),
            ));
        }
        if !has(|target| matches!(target, Target::Species | Target::Number)) {
            return Err(Fault::new(
                "a column species:S:1 or Z:I:1 in Properties",
                show(&self.text),
            ));
        }
        Ok(())
    }

    /// The value of the key, for messages.
    pub(super) fn describe(&self) -> String {
        format!("Properties={}", self.text)
    }

    /// Whether the forces have a column.
    pub(super) fn has_forces(&self) -> bool {
        self.fields
            .iter()
            .any(|field| matches!(field.target, Target::Forces))
    }

    /// Appends the values of one atom line to the frame.
    pub(super) fn read_atom(&mut self, line: &str, frame: &mut Frame) -> Result<(), Fault> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if words.len() != self.width {
            return Err(Fault::new(
                format!("{} columns, as in Properties={}", self.width, self.text),
                format!("{} columns, {}", words.len(), show(line)),
            ));
        }
        let mut rest = &words[..];
        let mut number = None;
        for field in &mut self.fields {
            let (own, others) = rest.split_at(field.width);
            rest = others;
            field.read(own, &mut number, frame)?;
        }
        frame.numbers.extend(number);
        Ok(())
    }

    /// Moves the columns without a field of their own into the frame.
    pub(super) fn finish(self, frame: &mut Frame) {
        for field in self.fields {
            if let Target::Other(values) = field.target {
                let column = Column {
                    width: field.width,
                    values,
                };
                frame.columns.insert(field.name, column);
            }
        }
    }
}

impl Field {
    /// Parses one `name:kind:width`.
    fn parse(name: &str, kind: &str, width: &str, keys: &KeyNames) -> Result<Self, Fault> {
        let received = || show(&format!("{name}:{kind}:{width}"));
        let count = width.parse::<usize>().unwrap_or(0);
        if name.is_empty() || count == 0 {
            let expected = "Properties: a column as name:kind:width with a width of at least 1";
            return Err(Fault::new(expected, received()));
        }
        let (target, required) = match name {
            "species" => (Target::Species, "S:1"),
            "Z" => (Target::Number, "I:1"),
            "pos" => (Target::Positions, "R:3"),
            _ if name == keys.forces => (Target::Forces, "R:3"),
            _ if name == keys.velocities => (Target::Velocities, "R:3"),
            _ => (
                Self::other(kind).ok_or_else(|| Self::bad_kind(received()))?,
                "",
            ),
        };
        if !required.is_empty() && format!("{kind}:{count}") != required {
            return Err(Fault::new(
                format!("Properties: {name}:{required}"),
                received(),
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            width: count,
            target,
        })
    }

    /// The fault of a kind that does not exist.
    fn bad_kind(received: String) -> Fault {
        Fault::new("Properties: a column of kind S, R, I or L", received)
    }

    /// An empty column of a kind.
    fn other(kind: &str) -> Option<Target> {
        Some(Target::Other(match kind {
            "R" => ColumnValues::Real(Vec::new()),
            "I" => ColumnValues::Integer(Vec::new()),
            "L" => ColumnValues::Logical(Vec::new()),
            "S" => ColumnValues::Text(Vec::new()),
            _ => return None,
        }))
    }

    /// Reads the words of this field in one atom line. `number` is the element found in this line so far.
    fn read(
        &mut self,
        words: &[&str],
        number: &mut Option<u32>,
        frame: &mut Frame,
    ) -> Result<(), Fault> {
        match &mut self.target {
            Target::Species | Target::Number => {
                let found = element(words[0])?;
                if number.is_some_and(|other| other != found) {
                    return Err(Fault::new(
                        "species and Z of the same element",
                        show(words[0]),
                    ));
                }
                *number = Some(found);
            }
            Target::Positions => frame.positions.push(triple(words, &self.name)?),
            Target::Forces => {
                let row = triple(words, &self.name)?;
                frame.forces.get_or_insert_default().push(row);
            }
            Target::Velocities => {
                let row = triple(words, &self.name)?;
                frame.velocities.get_or_insert_default().push(row);
            }
            Target::Other(values) => append(values, words, &self.name)?,
        }
        Ok(())
    }
}

/// An atomic number from a symbol or from digits.
fn element(text: &str) -> Result<u32, Fault> {
    let number = match text.parse::<u32>() {
        Ok(number) => Some(number).filter(|number| elements::symbol(*number).is_some()),
        Err(_) => elements::number(text),
    };
    let expected = "the symbol of an element (H to Og, spelt like `Cu`) or its number (1 to 118)";
    number.ok_or_else(|| Fault::new(expected, show(text)))
}

/// Three finite numbers.
fn triple(words: &[&str], name: &str) -> Result<[f64; 3], Fault> {
    let mut row = [0.0; 3];
    for (value, word) in row.iter_mut().zip(words) {
        *value = value::real(word, name)?;
    }
    Ok(row)
}

/// Appends words to a column of their kind.
fn append(values: &mut ColumnValues, words: &[&str], name: &str) -> Result<(), Fault> {
    for word in words {
        match values {
            ColumnValues::Real(column) => column.push(value::real(word, name)?),
            ColumnValues::Integer(column) => column.push(value::integer(word, name)?),
            ColumnValues::Logical(column) => column.push(value::logical(word, name)?),
            ColumnValues::Text(column) => column.push((*word).to_owned()),
        }
    }
    Ok(())
}
