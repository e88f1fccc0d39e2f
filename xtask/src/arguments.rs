//! The words after a command: flags, options with a value, and the rest. Each command takes what it knows; `finish`
//! refuses what is left.

use crate::failure::Failure;

/// Words not taken yet.
#[derive(Debug)]
pub struct Arguments {
    command: String,
    words: Vec<String>,
}

impl Arguments {
    pub fn new(command: &str, words: impl Iterator<Item = String>) -> Self {
        Self {
            command: command.to_owned(),
            words: words.collect(),
        }
    }

    /// Whether `--name` was given.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// The value of `--name VALUE` or `--name=VALUE`.
    pub fn option(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let with_value = format!("{name}=");
        let Some(at) = self
            .words
            .iter()
            .position(|word| word == name || word.starts_with(&with_value))
        else {
            return Ok(None);
        };
        let word = self.words.remove(at);
        if let Some(value) = word.strip_prefix(&with_value) {
            return Ok(Some(value.to_owned()));
        }
        if at >= self.words.len() {
            return Err(Failure::usage(format!(
                "{}: {name} needs a value",
                self.command
            )));
        }
        Ok(Some(self.words.remove(at)))
    }

    /// The words that are not flags.
    pub fn rest(&mut self) -> Vec<String> {
        let (flags, rest) = std::mem::take(&mut self.words)
            .into_iter()
            .partition(|word| word.starts_with('-'));
        self.words = flags;
        rest
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> Result<(), Failure> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(Failure::usage(format!(
                "{} does not know `{word}`",
                self.command
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Arguments {
        Arguments::new("demo", line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn takes_flags_options_and_words_in_any_order() {
        let mut arguments = of("one --headless --seconds 5 -o=json two");
        assert!(arguments.flag("--headless"));
        assert!(!arguments.flag("--check"));
        assert_eq!(arguments.option("--seconds").unwrap().as_deref(), Some("5"));
        assert_eq!(arguments.option("-o").unwrap().as_deref(), Some("json"));
        assert_eq!(arguments.rest(), ["one", "two"]);
        arguments.finish().unwrap();
    }

    #[test]
    fn refuses_what_is_unknown_or_incomplete() {
        assert!(of("--seconds").option("--seconds").is_err());
        let error = of("--secnds 5").finish().unwrap_err().to_string();
        assert!(error.contains("--secnds"), "{error}");
    }
}
