//! What this process logs: all its tests write into one log, and each looks for words of its own.

use std::{
    io::Write,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

/// Everything that this process logs after a test has named it for the first time.
pub static LOG: LazyLock<Told> = LazyLock::new(Told::everything);

/// The lines so far.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<u8>>>);

impl Told {
    fn everything() -> Self {
        let told = Self::default();
        let log = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_ansi(false)
            .with_writer(told.clone());
        log.init();
        told
    }

    /// The lines that hold all of these words.
    pub fn lines(&self, words: &[&str]) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        text.lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Told {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
