//! The checksum of gzip (RFC 1952, 8): CRC-32, eight bytes at a time ("slicing by 8").

/// A checksum of the bytes so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crc32(u32);

/// `TABLES[n][byte]` is the remainder of this byte followed by `n` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

const POLYNOMIAL: u32 = 0xEDB8_8320;

#[allow(clippy::cast_possible_truncation, reason = "a byte fits")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut rest = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            rest = if rest & 1 == 1 { rest >> 1 ^ POLYNOMIAL } else { rest >> 1 };
            bit += 1;
        }
        tables[0][byte] = rest;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let rest = tables[table - 1][byte];
            tables[table][byte] = rest >> 8 ^ tables[0][(rest & 0xFF) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

impl Default for Crc32 {
    fn default() -> Crc32 {
        Crc32(u32::MAX)
    }
}

impl Crc32 {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            let first = self.0.to_le_bytes();
            let at = |index: usize| {
                let byte = eight[index] ^ first.get(index).copied().unwrap_or_default();
                TABLES[7 - index][usize::from(byte)]
            };
            self.0 = at(0) ^ at(1) ^ at(2) ^ at(3) ^ at(4) ^ at(5) ^ at(6) ^ at(7);
        }
        for byte in rest {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = self.0 >> 8 ^ TABLES[0][usize::from(low ^ byte)];
        }
    }

    pub(super) fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_checksums_whole_and_byte_by_byte() {
        let long: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for (bytes, want) in [
            (&b""[..], 0),
            (b"a", 0xE8B7_BE43),
            (b"123456789", 0xCBF4_3926),
            (b"The quick brown fox jumps over the lazy dog", 0x414F_A339),
            (&long, 0x74E3_FB41),
        ] {
            let (mut whole, mut single) = (Crc32::default(), Crc32::default());
            whole.update(bytes);
            bytes.iter().for_each(|byte| single.update(&[*byte]));
            assert_eq!((whole.value(), single.value()), (want, want), "{} bytes", bytes.len());
        }
    }
}
