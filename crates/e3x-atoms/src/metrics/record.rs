//! The CSV file with one row per epoch.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::atomic_file;
use crate::error::{Error, Result};

/// The content of a metrics file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsTable {
    /// The names of the columns after `epoch`.
    pub columns: Vec<String>,
    /// The epoch of each row.
    pub epochs: Vec<u64>,
    /// The values of each row, one for each of `columns`.
    pub rows: Vec<Vec<f64>>,
}

impl MetricsTable {
    /// The values of a column in the order of the epochs, or `None` if there is no such column in every row.
    pub fn column(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|column| column == name)?;
        self.rows
            .iter()
            .map(|row| row.get(index).copied())
            .collect()
    }
}

/// A CSV file that grows by one row per epoch and survives being killed.
///
/// Every row is on the disk when [`MetricsLog::append`] returns. Write the row of an epoch *before* its checkpoint:
/// then the file holds at least the rows up to the checkpoint, and [`MetricsLog::resume`] cuts off the rest.
/// Numbers are written with the fewest digits that give the same bits again, so that a resumed run writes the same
/// file as an uninterrupted one.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("metrics.csv");
/// use e3x_atoms::metrics::{MetricsLog, read_metrics};
///
/// let mut log = MetricsLog::create(&path, &["loss", "valid_forces_mae"])?;
/// log.append(1, &[0.5, 0.25])?;
/// log.append(2, &[0.4, 0.125])?;
/// // The last checkpoint is of epoch 1:
/// let mut log = MetricsLog::resume(&path, &["loss", "valid_forces_mae"], 1)?;
/// log.append(2, &[0.3, 0.1])?;
/// assert_eq!(read_metrics(&path)?.column("loss"), Some(vec![0.5, 0.3]));
/// # Ok::<(), e3x_atoms::Error>(())
/// ```
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    width: usize,
    writer: csv::Writer<File>,
}

impl MetricsLog {
    /// Starts a new file with the columns `epoch` and `columns`; an existing one is replaced.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: impl AsRef<Path>, columns: &[&str]) -> Result<Self> {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let empty = MetricsTable {
            columns,
            ..MetricsTable::default()
        };
        Self::start(path.as_ref(), &empty)
    }

    /// Continues a file after the epoch `last_epoch`: later rows and a last row that was cut off are deleted. A file that
    /// does not exist is created.
    ///
    /// # Errors
    /// [`Error::Parse`] if the file has other columns or a row that is not a row of numbers, and [`Error::Io`]; the
    /// file stays as it is then.
    pub fn resume(path: impl AsRef<Path>, columns: &[&str], last_epoch: u64) -> Result<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return Self::create(path, columns);
        }
        let mut table = read_metrics(path)?;
        if table.columns != columns {
            return Err(Error::Parse {
                file: path.display().to_string(),
                line: 1,
                expected: format!("the columns epoch,{}", columns.join(",")),
                received: format!("epoch,{}", table.columns.join(",")),
            });
        }
        let mut epochs = table.epochs.iter();
        table
            .rows
            .retain(|_| epochs.next().is_some_and(|epoch| *epoch <= last_epoch));
        table.epochs.retain(|epoch| *epoch <= last_epoch);
        Self::start(path, &table)
    }

    /// Appends the row of an epoch and waits until it is on the disk.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is not one value for each column; [`Error::Io`].
    pub fn append(&mut self, epoch: u64, values: &[f64]) -> Result<()> {
        if values.len() != self.width {
            let expected = format!("{} values, one for each column", self.width);
            return Err(Error::argument("values", expected, values.len()));
        }
        let written = self.writer.write_record(row_text(epoch, values));
        written.map_err(|error| Error::io("write", &self.path)(error.into()))?;
        self.writer
            .flush()
            .and_then(|()| self.writer.get_ref().sync_data())
            .map_err(Error::io("write", &self.path))
    }

    /// Writes a table and opens the file to append to it.
    fn start(path: &Path, table: &MetricsTable) -> Result<Self> {
        atomic_file::write_with(path, |file| {
            let mut writer = csv::Writer::from_writer(file);
            let header = std::iter::once("epoch").chain(table.columns.iter().map(String::as_str));
            let mut written = writer.write_record(header);
            for (epoch, row) in table.epochs.iter().zip(&table.rows) {
                written = written.and_then(|()| writer.write_record(row_text(*epoch, row)));
            }
            written
                .map_err(std::io::Error::from)
                .and_then(|()| writer.flush())
                .map_err(Error::io("write", path))
        })?;
        let file = File::options()
            .append(true)
            .open(path)
            .map_err(Error::io("open", path))?;
        Ok(Self {
            path: path.to_path_buf(),
            width: table.columns.len(),
            writer: csv::Writer::from_writer(file),
        })
    }
}

/// Reads a metrics file. A last row that was cut off (no line break at its end) is left out.
///
/// # Errors
/// [`Error::Io`]; [`Error::Parse`] if the first line has no column `epoch` at its beginning or a row is not a row of
/// numbers.
pub fn read_metrics(path: impl AsRef<Path>) -> Result<MetricsTable> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let complete = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut table = MetricsTable::default();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(&bytes[..complete]);
    let mut has_header = false;
    for outcome in reader.records() {
        let line_record = outcome.map_err(|error| Error::io("read", path)(error.into()))?;
        let fields: Vec<&str> = line_record.iter().collect();
        let fault = |expected: String| Error::Parse {
            file: path.display().to_string(),
            line: line_record
                .position()
                .map_or(1, |position| position.line() as usize),
            expected,
            received: format!("`{}`", fields.join(",")),
        };
        if has_header {
            let (epoch, row) = parse_row(&fields, table.columns.len())
                .ok_or_else(|| fault(format!("an epoch and {} numbers", table.columns.len())))?;
            table.epochs.push(epoch);
            table.rows.push(row);
        } else {
            if fields.first() != Some(&"epoch") {
                return Err(fault(
                    "the names of the columns, beginning with `epoch`".to_owned(),
                ));
            }
            table.columns = fields[1..].iter().map(|name| (*name).to_owned()).collect();
            has_header = true;
        }
    }
    Ok(table)
}

/// The epoch and the values of a row, if it is one.
fn parse_row(fields: &[&str], width: usize) -> Option<(u64, Vec<f64>)> {
    let (epoch, values) = fields.split_first()?;
    let values: Vec<f64> = values
        .iter()
        .map(|text| text.parse().ok())
        .collect::<Option<_>>()?;
    (values.len() == width).then_some((epoch.parse().ok()?, values))
}

/// A row as text.
fn row_text(epoch: u64, values: &[f64]) -> impl Iterator<Item = String> {
    std::iter::once(epoch.to_string()).chain(values.iter().map(|value| format!("{value:?}")))
}
