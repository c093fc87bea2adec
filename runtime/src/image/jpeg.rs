//! Telling whether a JPEG file is all there.

/// Whether the markers of a JPEG file lead from its start to its end marker (ITU-T T.81, annex B).
///
/// This follows the segments and passes over the compressed data between them; it checks nothing else.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // Up to the next marker: 0xff and a byte that is not stuffing (0x00), a restart (0xd0 to 0xd7) or fill (0xff).
        let marker = rest.windows(2).position(|pair| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff));
        let Some((marker, after)) = marker.and_then(|at| Some((rest.get(at + 1)?, rest.get(at + 2..)?))) else {
            return false;
        };
        match marker {
            0xd9 => return true,
            // Start of image, and a marker of arithmetic coding: they stand alone.
            0xd8 | 0x01 => rest = after,
            _ => {
                let Some(&[high, low]) = after.first_chunk() else { return false };
                let Some(next) = after.get(usize::from(u16::from_be_bytes([high, low])).max(2)..) else { return false };
                rest = next;
            }
        }
    }
}
