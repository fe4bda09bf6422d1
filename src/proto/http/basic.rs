//! User and password for a server or a proxy: the Basic scheme (RFC 7617). Base64 (RFC 4648, 4) is not
//! encryption: everyone on the network path can read them.

/// Returns the value of `Authorization`, or of `Proxy-Authorization`, for `user:password`.
pub fn basic(user: &[u8]) -> String {
    format!("Basic {}", base64(user))
}

/// Returns the user and the password of a value of `Authorization`; `None` if it has another scheme or another form. A
/// password may have colons in it, a user may not (RFC 7617, 2).
pub fn user_and_password(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let is_basic = scheme.eq_ignore_ascii_case(b"Basic ");
    let mut bytes = from_base64(rest.trim_ascii_start()).filter(|_| is_basic)?;
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let password = bytes.split_off(colon + 1);
    bytes.truncate(colon);
    Some((bytes, password))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let three = [group[0], *group.get(1).unwrap_or(&0), *group.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for at in 0..4 {
            let digit = bits >> (18 - 6 * at) & 63;
            let is_there = at <= group.len();
            text.push(if is_there { ALPHABET[digit as usize].into() } else { '=' });
        }
    }
    text
}

/// Decodes Base64 with its padding; `None` for anything else, and for bits that are left over and not 0.
fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.strip_suffix(b"==").or(text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for digit in digits {
        let value = ALPHABET.iter().position(|known| known == digit)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, 10, and RFC 7617, 2.
    #[test]
    fn the_test_vectors_of_the_rfcs() {
        for (bytes, want) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), want);
        }
        assert_eq!(basic(b"Aladdin:open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("test:123\u{a3}".as_bytes()), "Basic dGVzdDoxMjPCow==");
    }

    #[test]
    fn users_and_passwords() {
        for (value, want) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Some(("Aladdin", "open sesame"))),
            ("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==", Some(("Aladdin", "open sesame"))),
            ("Basic dGVzdDoxMjPCow==", Some(("test", "123\u{a3}"))),
            ("Basic Og==", Some(("", ""))),
            ("Basic YTpiOmM=", Some(("a", "b:c"))),
            ("Basic", None),
            ("Basic ", None),
            ("Basic YQ==", None),
            ("Basic YTpi ", None),
            ("Basic YTpiOmN", None),
            ("Basic YTpiOmO=", None),
            ("Basic YT=iOmM=", None),
            ("Basic Y===", None),
            ("Basic YTp\u{e9}", None),
            ("Bearer YTpi", None),
            ("", None),
        ] {
            let got = user_and_password(value.as_bytes());
            let want = want.map(|(user, password)| (user.into(), password.into()));
            assert_eq!(got, want, "{value}");
        }
    }
}
