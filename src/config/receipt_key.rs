//! The key that signs receipts, as an operator writes it.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{Config, ConfigError};

/// With padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Config {
    /// The 32 bytes of `PARLOR_RECEIPT_KEY`, if it is set.
    ///
    /// # Errors
    /// It is not 32 bytes in hex or base64url.
    pub fn receipt_key(&self) -> Result<Option<[u8; 32]>, ConfigError> {
        match self.receipt_key.expose() {
            "" => Ok(None),
            given => decode(given).map(Some).ok_or(ConfigError::ReceiptKey),
        }
    }
}

/// The length tells the two apart.
fn decode(given: &str) -> Option<[u8; 32]> {
    let bytes = if given.len() == 64 { from_hex(given)? } else { BASE64.decode(given).ok()? };
    bytes.try_into().ok()
}

fn from_hex(given: &str) -> Option<Vec<u8>> {
    let digit = |letter: &u8| char::from(*letter).to_digit(16);
    given
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, tests::config};

    fn key(given: &str) -> Option<[u8; 32]> {
        config(&["--receipt-key", given]).unwrap().receipt_key().unwrap()
    }

    #[test]
    fn hex_and_base64url_name_the_same_key() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 8).unwrap() | 7);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let base64 = "Bw8XHycvNz9HT1dfZ293f4ePl5-nr7e_x8_X3-fv9_8";
        for given in [
            hex.clone(),
            hex.to_uppercase(),
            format!(" {hex}\n"),
            format!("\"{base64}\""),
            base64.into(),
            format!("{base64}="),
        ] {
            assert_eq!(key(&given), Some(bytes), "{given:?}");
        }
        assert_eq!((key(""), key(" \n")), (None, None));
        assert_eq!(config(&[]).unwrap().receipt_key(), Ok(None));
    }

    #[test]
    fn any_other_key_is_refused_and_not_shown() {
        for wrong in [
            "secret",
            &"ab".repeat(31),
            &"ab".repeat(33),
            &format!("{}g", "a".repeat(63)),
            &format!("+{}", "a".repeat(63)),
            &"é".repeat(32),
            &"A".repeat(42),
            &"A".repeat(44),
            // The alphabet of plain base64.
            &format!("{}+A", "A".repeat(41)),
            // Bits that no byte has.
            &format!("{}B", "A".repeat(42)),
        ] {
            let error = config(&["--receipt-key", wrong]).unwrap_err();
            assert!(error.starts_with("PARLOR_RECEIPT_KEY must be 32"), "{wrong}: {error}");
            assert!(!error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_key_is_not_in_what_debug_prints() {
        let key = "5e".repeat(32);
        let config: Config = config(&["--receipt-key", &key]).unwrap();
        assert!(!format!("{config:?}").contains(&key));
    }
}
