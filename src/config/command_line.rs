//! The command line: settings to serve with, or a command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::Config;

/// Ephemeral room chat: open, talk, gone.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "Ephemeral room chat: open, talk, gone",
    long_about = None,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct CommandLine {
    /// The settings, from flags and the environment.
    #[command(flatten)]
    pub config: Config,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program does instead of serving.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum Command {
    /// Check the receipt of a room that ended, and print what it says
    ///
    /// Exits with 0 if the receipt is good, with 1 if it is not, and with 2 if it could not be checked.
    VerifyReceipt {
        /// The receipt, as text or as the frame that brought it; `-` for standard input
        file: PathBuf,
        /// The keys of the server, saved from its /.well-known/parlor-receipt-key. Without it: the key of PARLOR_RECEIPT_KEY if that is set, else the one that the receipt brings along
        keyfile: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> Result<Option<Command>, clap::Error> {
        CommandLine::try_parse_from([&["parlor"], args].concat()).map(|line| line.command)
    }

    #[test]
    fn without_a_command_the_program_serves() {
        assert_eq!(command(&[]).unwrap(), None);
        let line = CommandLine::try_parse_from(["parlor", "--grace", "3s"]).unwrap();
        assert_eq!((line.config.grace.millis(), line.command), (3000, None));
    }

    #[test]
    fn a_command_takes_its_own_arguments_only() {
        let verify = |file: &str, keyfile: Option<&str>| {
            Some(Command::VerifyReceipt { file: file.into(), keyfile: keyfile.map(PathBuf::from) })
        };
        assert_eq!(command(&["verify-receipt", "-"]).unwrap(), verify("-", None));
        assert_eq!(command(&["verify-receipt", "a", "b"]).unwrap(), verify("a", Some("b")));
        for wrong in [
            &["verify-receipt"][..],
            &["verify-receipt", "a", "b", "c"],
            &["verify-receipt", "a", "--grace", "3s"],
            &["--grace", "3s", "verify-receipt", "a"],
            &["verify"],
            &["a"],
        ] {
            assert_eq!(command(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
