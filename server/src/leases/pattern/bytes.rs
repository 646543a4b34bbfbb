//! Sets of bytes, kept in the order in which a witness prefers them.

/// Bytes from the one that a person reads best to the one that nobody reads:
/// letters, digits, what stands in file names, the rest of ASCII, then what is
/// no character by itself.
const PREFERRED: [u8; 256] = preferred();

/// The place of each byte in `PREFERRED`.
const RANK: [u8; 256] = rank();

/// A set of bytes. Bit `n` stands for the `n`-th byte of `PREFERRED`, so that
/// the lowest bit is the byte to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte that a path may contain: NUL is none.
    pub(super) const ANY: ByteSet = ByteSet([u64::MAX; 4]).without(0);
    /// What `*` and `?` stand for.
    pub(super) const NOT_SLASH: ByteSet = ByteSet::ANY.without(b'/');
    pub(super) const EMPTY: ByteSet = ByteSet([0; 4]);

    pub(super) const fn one(byte: u8) -> ByteSet {
        ByteSet::EMPTY.with(byte)
    }

    pub(super) const fn with(mut self, byte: u8) -> ByteSet {
        let rank = RANK[byte as usize];
        self.0[rank as usize / 64] |= 1 << (rank % 64);
        self
    }

    pub(super) const fn without(mut self, byte: u8) -> ByteSet {
        let rank = RANK[byte as usize];
        self.0[rank as usize / 64] &= !(1 << (rank % 64));
        self
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        let rank = RANK[usize::from(byte)];
        self.0[usize::from(rank) / 64] >> (rank % 64) & 1 == 1
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == ByteSet::EMPTY
    }

    pub(super) fn and(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    pub(super) fn and_not(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }

    pub(super) fn or(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// The byte that is read best.
    pub(super) fn first(&self) -> Option<u8> {
        self.iter().next()
    }

    /// The byte of a set of one.
    pub(super) fn only(&self) -> Option<u8> {
        let first = self.first()?;
        self.without(first).is_empty().then_some(first)
    }

    /// The bytes, the best to read first.
    pub(super) fn iter(&self) -> impl Iterator<Item = u8> + use<> {
        let mut words = self.0;
        std::iter::from_fn(move || {
            let word = words.iter().position(|word| *word != 0)?;
            let bit = words[word].trailing_zeros() as usize;
            words[word] &= words[word] - 1;
            Some(PREFERRED[word * 64 + bit])
        })
    }
}

const fn preferred() -> [u8; 256] {
    let readable = *b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-./";
    let mut order = [0; 256];
    let mut taken = [false; 256];
    let mut length = 0;
    while length < readable.len() {
        order[length] = readable[length];
        taken[readable[length] as usize] = true;
        length += 1;
    }
    // '!' to '~', then the space and what is above ASCII, then controls.
    let ranges = [(0x21, 0x7E), (0x20, 0x20), (0x80, 0xFF), (0, 0x7F)];
    let mut range = 0;
    while range < ranges.len() {
        let (mut byte, last) = ranges[range];
        while byte <= last {
            if !taken[byte] {
                order[length] = byte as u8;
                taken[byte] = true;
                length += 1;
            }
            byte += 1;
        }
        range += 1;
    }
    order
}

const fn rank() -> [u8; 256] {
    let mut rank = [0; 256];
    let mut place = 0;
    while place < 256 {
        rank[PREFERRED[place] as usize] = place as u8;
        place += 1;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::ByteSet;

    #[test]
    fn a_set_holds_what_was_put_in_and_shows_letters_first() {
        let set = ByteSet::one(b'/').with(b'z').with(0xFF).with(b' ');
        assert_eq!(set.iter().collect::<Vec<_>>(), [b'z', b'/', b' ', 0xFF]);
        assert!(set.contains(b'z') && !set.contains(b'y'));
        assert!(!set.without(b'z').contains(b'z'));
        assert_eq!(ByteSet::ANY.iter().count(), 255);
        assert!(!ByteSet::ANY.contains(0));
        assert_eq!(ByteSet::NOT_SLASH.first(), Some(b'a'));
    }
}
