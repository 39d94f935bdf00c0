//! `timeseries.bin`: a mark, the version, and the cells as one frame of Zstandard.

use super::checked::{self, FileInfo, MAX_CELLS_BYTES};
use crate::{RecordError, RunHeader, TimeSeries};
use std::io::{BufWriter, Write};
use std::path::Path;

const MAGIC: &[u8; 8] = b"squallts";

/// The version of what follows: another when a declaration of the cells changes, since nothing else says what a byte is.
const VERSION: u8 = 2;
/// The version before counted no retries of clients, and is read as one with none.
const FIRST_VERSION: u8 = 1;

/// Writes the cells of a run.
pub(super) fn put(path: &Path, cells: &TimeSeries) -> Result<FileInfo, RecordError> {
    checked::put(path, |file| {
        file.write_all(MAGIC)?;
        file.write_all(&[VERSION])?;
        checked::compress(file, |frame| {
            let frame = BufWriter::new(frame);
            let mut frame = postcard::to_io(cells, frame).map_err(std::io::Error::other)?;
            frame.flush()?;
            Ok(None)
        })
    })
}

/// The cells of a file.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
    header: &RunHeader,
) -> Result<TimeSeries, RecordError> {
    let malformed = |problem: String| RecordError::Malformed { path: path.to_owned(), problem };
    let rest = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first);
    let Some((&version, frame)) = rest else {
        return Err(malformed("it does not begin with the mark of cells".to_owned()));
    };
    if !(FIRST_VERSION..=VERSION).contains(&version) {
        return Err(malformed(format!(
            "its cells are of version {version}, and this squall reads versions {FIRST_VERSION} to {VERSION}: read it \
             with squall {}, or run the scenario again",
            header.version
        )));
    }
    let plain = checked::decompressed(frame, MAX_CELLS_BYTES);
    let plain = plain.map_err(|error| malformed(error.to_string()))?;
    let read = postcard::take_from_bytes::<TimeSeries>(&plain);
    let (mut cells, rest) = read.map_err(|error| malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes follow the cells", rest.len())));
    }
    cells.index().map_err(malformed)?;
    let kinds = if header.kinds.len() > 1 { header.kinds.len() } else { 0 };
    let told = [cells.groups.len(), cells.deployments.len(), cells.kinds.len()];
    if told != [header.groups.len(), header.deployments.len(), kinds] {
        return Err(malformed("it has the cells of other groups than `run.json`".to_owned()));
    }
    Ok(cells)
}
