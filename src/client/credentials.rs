//! User and password for a server or a proxy: the Basic scheme (RFC 7617). Base64 (RFC 4648, 4) is not
//! encryption: everyone on the network path can read them.

/// Returns the value of `Authorization`, or of `Proxy-Authorization`, for `user:password`.
pub(crate) fn basic(user: &[u8]) -> String {
    format!("Basic {}", base64(user))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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
}
