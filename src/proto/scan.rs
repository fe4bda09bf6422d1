//! Byte search, for every protocol: the first byte that is wanted, or the first that is not allowed.
//!
//! Both functions look at many bytes at once, without intrinsics. With a browser's request, an exchange
//! takes 600 instructions more without the words of [`position`], 1,700 more without the blocks of
//! [`before_control`], and 1,300 more with the crate `memchr`, as the lines are short (`make
//! instructions`).

/// Returns where `wanted` stands first.
pub fn position(wanted: u8, bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // A byte that is wanted is 0 now. The lowest byte that is marked is one; a higher mark may be
        // the borrow of the subtraction.
        let word = u64::from_le_bytes(*word) ^ (EACH * u64::from(wanted));
        let found = word.wrapping_sub(EACH) & !word & TOPS;
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == wanted)?;
    Some(words.len() * 8 + at)
}

/// Returns how many bytes at the start are not controls (0 to 31, and 127); a tab is not counted as
/// one. For a field's value and its line end.
#[inline(always)]
pub fn before_control(bytes: &[u8]) -> usize {
    let mut at = 0;
    // A loop of this length without an exit in its middle is compiled to vector instructions.
    while let Some(block) = bytes[at..].first_chunk::<64>() {
        let mut marks = [0; 64];
        for (mark, &byte) in marks.iter_mut().zip(block) {
            *mark = if is_control(byte) { 0xFF } else { 0 };
        }
        for eight in marks.as_chunks().0 {
            let marks = u64::from_le_bytes(*eight);
            if marks != 0 {
                return at + marks.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
    }
    let (words, rest) = bytes[at..].as_chunks();
    for word in words {
        let marks = controls(u64::from_le_bytes(*word));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at + rest.iter().position(|&byte| is_control(byte)).unwrap_or(rest.len())
}

const EACH: u64 = u64::from_le_bytes([0x01; 8]);
const TOPS: u64 = u64::from_le_bytes([0x80; 8]);

#[inline(always)]
const fn is_control(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\t') | (byte == 0x7F)
}

/// Sets the top bit of each of eight bytes that is a control.
#[inline(always)]
const fn controls(word: u64) -> u64 {
    between(word, 0, 0x1F) & !between(word, b'\t', b'\t') | between(word, 0x7F, 0x7F)
}

/// Sets the top bit of each of eight bytes that is from `first` to `last`, which are ASCII.
#[inline(always)]
const fn between(word: u64, first: u8, last: u8) -> u64 {
    // No sum of seven bits and 128 carries into the next byte.
    let low = word & !TOPS;
    let (up_to, beyond) = (EACH * (0x80 - first as u64), EACH * (0x7F - last as u64));
    (low + up_to) & !(low + beyond) & !word & TOPS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_at_each_place() {
        for length in 0..40 {
            for at in 0..length {
                for around in [0x00, 0x09, 0x0B, 0x0A ^ 0x80, 0x7F, 0xFF] {
                    let mut bytes = vec![around; length];
                    assert_eq!(position(b'\n', &bytes), None);
                    bytes[at..].fill(b'\n');
                    assert_eq!(position(b'\n', &bytes), Some(at), "{around} x {length}");
                }
            }
        }
    }

    #[test]
    fn many_bytes_at_once_are_judged_as_single_ones() {
        for around in [b'a', b'-', b'0', b'Z', b' ', b'\t', 0x80, 0xFF] {
            for length in [1, 7, 8, 9, 16, 17, 40, 64, 81, 150] {
                for (at, byte) in (0..length).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                    let mut bytes = vec![around; length];
                    bytes[at] = byte;
                    let is_text = |byte: &u8| !byte.is_ascii_control() || *byte == b'\t';
                    let want = bytes.iter().take_while(|&byte| is_text(byte)).count();
                    let told = format!("{byte:#x} at {at} of {length} {around:#x}");
                    assert_eq!(before_control(&bytes), want, "{told}");
                }
            }
        }
    }
}
