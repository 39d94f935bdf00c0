//! What is wrong with a file is told with its line and with what was expected, and ends its rows.

use flate2::Compression;
use flate2::write::GzEncoder;
use squall_trace::{TraceColumns, TraceFormat, TraceInput, TraceOptions, TraceReader, describe};
use std::io::{self, Read, Write as _};

fn error_with(text: &'static str, options: &TraceOptions) -> String {
    let input = TraceInput::memory("bad.csv", text.as_bytes());
    match TraceReader::open(&input, options) {
        Err(error) => error.to_string(),
        Ok(mut rows) => {
            let error = rows.find_map(Result::err).expect("it is bad").to_string();
            assert!(rows.next().is_none(), "nothing comes after an error");
            error
        }
    }
}

fn error(text: &'static str) -> String {
    error_with(text, &TraceOptions::default())
}

fn assert_told(error: &str, place: &str, words: &[&str]) {
    assert!(error.starts_with(place), "{error}");
    for word in words {
        assert!(error.contains(word), "no `{word}` in: {error}");
    }
}

const AZURE: &str =
    "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n";

#[test]
fn a_broken_row_is_told_with_its_line_and_column() {
    for (row, words) in [
        (
            "2023-11-16 18:17:04.0,-5,8\n",
            &["`ContextTokens` is `-5`", "expected a number of tokens"][..],
        ),
        ("2023-11-16 18:17:04.0,NaN,8\n", &["`ContextTokens` is `NaN`"]),
        ("2023-11-16 18:17:04.0,7,\n", &["`GeneratedTokens` is ``"]),
        ("2023-11-16 18:17:04.0,7,99999999999\n", &["`GeneratedTokens` is `99999999999`"]),
        ("2023-11-16 18:17:04.0,1.5,7\n", &["`ContextTokens` is `1.5`"]),
        ("NaN,7,8\n", &["`TIMESTAMP` is `NaN`", "expected a time"]),
        (",7,8\n", &["`TIMESTAMP` is ``", "expected a time"]),
        ("2023-11-16 18:17:04.0,7\n", &["the row has 2 columns, expected the 3 of the header"]),
        ("hello\n", &["the row has 1 column"]),
    ] {
        let text: &'static str = Box::leak(format!("{AZURE}{row}").into_boxed_str());
        assert_told(&error(text), "bad.csv:3: ", words);
    }
}

#[test]
fn time_that_goes_backwards_is_told() {
    let late = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:30.0,1,1\n2023-11-16 18:17:03.0,1,1\n";
    assert_told(
        &error(late),
        "bad.csv:3: ",
        &["time goes backwards: the row is 27 s before", "reorder"],
    );
}

#[test]
fn a_file_that_is_no_trace_is_refused_before_its_rows() {
    assert_told(&error(""), "bad.csv: ", &["it is empty"]);
    assert_told(&error("\n\n"), "bad.csv: ", &["it is empty"]);
    assert_told(
        &error("TIMESTAMP,ContextTokens,GeneratedTokens\n"),
        "bad.csv: ",
        &["it has no rows"],
    );
    assert_told(
        &error("2023-11-16 18:17:03.9,4808,10\n"),
        "bad.csv:1: ",
        &["TIMESTAMP,ContextTokens,GeneratedTokens"],
    );
    assert_told(&error("1700,4808,10\n1701,1,1\n"), "bad.csv:1: ", &["no known format", "header"]);
    assert_told(&error("<html>\n"), "bad.csv:1: ", &["no known format: `<html>`"]);
    assert_told(&error("a,b\n1,2\n"), "bad.csv:1: ", &["no column for time", "`a`, `b`"]);
    let azure = TraceOptions { format: Some(TraceFormat::Azure), ..TraceOptions::default() };
    assert_told(
        &error_with("5,1,2\n6,1,2\n", &azure),
        "bad.csv:1: ",
        &["expected `TIMESTAMP`", "`5`"],
    );
    let columns = TraceColumns { time: Some("wen".to_owned()), ..TraceColumns::default() };
    let options = TraceOptions { columns, ..TraceOptions::default() };
    assert_told(
        &error_with("when,in\n1,2\n", &options),
        "bad.csv:1: ",
        &["no column `wen`", "`when`"],
    );
    let missing =
        TraceReader::open(&TraceInput::file("/nowhere/x.csv".as_ref()), &TraceOptions::default());
    assert_told(
        &missing.expect_err("no file").to_string(),
        "/nowhere/x.csv: ",
        &["cannot be read"],
    );
}

#[test]
fn broken_json_is_told_with_the_line_of_its_object() {
    let good =
        "{\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0]}\n";
    for (bad, words) in [
        (
            "{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1\n",
            &["the file ends within this object"][..],
        ),
        ("{\"timestamp\": 1, \"input_length: 1, \"output_length\": 1}\n", &["no JSON object"]),
        (
            "{\"timestamp\": 1, \"input_length\": -1, \"output_length\": 1}\n",
            &["`input_length` is `-1`"],
        ),
        ("{\"timestamp\": 1, \"output_length\": 1}\n", &["`input_length` is ``"]),
        ("{\"timestamp\": NaN, \"input_length\": 1, \"output_length\": 1}\n", &["no JSON object"]),
        (
            "{\"timestamp\": {}, \"input_length\": 1, \"output_length\": 1}\n",
            &["`timestamp` is `{}`"],
        ),
        ("timestamp\n", &["`t`: expected a JSON object"]),
    ] {
        let text: &'static str = Box::leak(format!("{good}{bad}").into_boxed_str());
        assert_told(&error(text), "bad.csv:2: ", words);
    }
    let open = "[\n{\"timestamp\": 1, \"input_length\": 1, \"output_length\": 1},\n";
    assert_told(&error(open), "bad.csv:3: ", &["ends within its array"]);
}

#[test]
fn a_line_that_the_log_format_does_not_have_is_told() {
    let line =
        "192.0.2.7 - - [16/Nov/2023:18:17:03 +0000] \"POST / HTTP/1.1\" 200 5316 \"-\" \"x\"\n";
    let text: &'static str = Box::leak(format!("{line}{line}oops\n").into_boxed_str());
    assert_told(&error(text), "bad.csv:3: ", &["does not look like `$remote_addr"]);
    let options = TraceOptions { log_format: Some("$a$b".to_owned()), ..TraceOptions::default() };
    assert_told(
        &error_with("x\n", &options),
        "bad.csv: ",
        &["the log format: nothing stands between"],
    );
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

#[test]
fn a_gzip_that_ends_early_or_is_damaged_is_told_and_never_taken_for_a_shorter_trace() {
    let rows = (0..5_000).map(|row| format!("{row},{},7\n", row * 7_919 % 1_000));
    let text: String =
        std::iter::once("t_s,input_tokens,output_tokens\n".to_owned()).chain(rows).collect();
    let mut whole = packed(text.as_bytes());
    let cut: &'static [u8] = Box::leak(whole[..whole.len() / 2].to_vec().into_boxed_slice());
    let without_end: &'static [u8] =
        Box::leak(whole[..whole.len() - 4].to_vec().into_boxed_slice());
    // Its checksum is in the last eight bytes.
    let checksum = whole.len() - 8;
    whole[checksum] ^= 0x55;
    let damaged: &'static [u8] = Box::leak(whole.into_boxed_slice());
    for (bytes, word) in [(cut, "ends early"), (without_end, "ends early"), (damaged, "damaged")] {
        let input = TraceInput::memory("cut.csv.gz", bytes);
        let rows =
            TraceReader::open(&input, &TraceOptions::default()).expect("its header is there");
        let error = rows.filter_map(Result::err).next().expect("it does not come to its end");
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// A CSV file that is made while it is read: so many rows, a millisecond apart.
struct Endless {
    row: u64,
    rows: u64,
    text: Vec<u8>,
    at: usize,
}

impl Endless {
    fn new(rows: u64) -> Self {
        Self { row: 0, rows, text: b"t_ms,input_tokens,output_tokens\n".to_vec(), at: 0 }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            for _ in 0..100.min(self.rows - self.row) {
                let (row, tokens) = (self.row, self.row * 7_919 % 5_000);
                writeln!(self.text, "{row},{tokens},{}", tokens / 9)?;
                self.row += 1;
            }
        }
        let read = (&self.text[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// The most memory that is taken at once while so many rows are described.
fn most_memory(open: fn() -> Box<dyn Read + Send>) -> u64 {
    let input = TraceInput::reader("endless.csv", open);
    let taken = allocation_counter::measure(|| {
        let rows = TraceReader::open(&input, &TraceOptions::default()).expect("it opens");
        assert!(describe(rows).expect("it reads").summary.rows >= 50_000);
    });
    taken.bytes_max
}

#[test]
fn ten_times_the_rows_take_no_more_memory() {
    // The reorder window of 10 s holds 10,000 rows of either.
    let few = most_memory(|| Box::new(Endless::new(50_000)));
    let many = most_memory(|| Box::new(Endless::new(500_000)));
    assert!(many < few + few / 4, "{few} bytes for 50,000 rows, {many} for 500,000");
    assert!(many < 16 << 20, "{many}");
}

#[test]
fn a_quote_that_is_never_closed_ends_the_reading_and_not_the_memory() {
    struct OpenQuote(u64);
    impl Read for OpenQuote {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let head = b"t_s,note\n0,\"";
            self.0 += 1;
            if self.0 == 1 {
                buffer[..head.len()].copy_from_slice(head);
                return Ok(head.len());
            }
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }
    let input = TraceInput::reader("open.csv", || Box::new(OpenQuote(0)));
    let taken = allocation_counter::measure(|| {
        let rows = TraceReader::open(&input, &TraceOptions::default()).expect("it opens");
        let error = rows.filter_map(Result::err).next().expect("it has no end").to_string();
        assert!(error.contains("a row has more than 4 MiB"), "{error}");
    });
    assert!(taken.bytes_max < 100 << 20, "{}", taken.bytes_max);
}
