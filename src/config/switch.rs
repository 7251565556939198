//! Settings that are yes or no.

/// Yes or no; an empty setting, as compose files like to leave it, is a no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Switch(pub bool);

impl std::str::FromStr for Switch {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Self(true)),
            "" | "false" | "no" | "off" | "0" => Ok(Self(false)),
            _ => Err("true or false"),
        }
    }
}

/// Yes or no; an empty setting is a yes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SwitchOff(pub bool);

impl std::str::FromStr for SwitchOff {
    type Err = &'static str;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let given = given.trim();
        if given.is_empty() { Ok(Self(true)) } else { given.parse().map(|Switch(on)| Self(on)) }
    }
}
