//! The drawn digits: the same bytes everywhere, and plausible.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may")]

use super::*;

fn bytes(data: &Dataset, idx: usize) -> Vec<u8> {
    data.input(idx).unwrap().iter().map(|value| (value * 255.0 + 0.5) as u8).collect()
}

#[test]
fn the_same_seed_draws_the_same_bytes_everywhere() {
    let splits = digits(300, 100, 7).unwrap();
    // Pinned: another value on another platform would mean that arithmetic differs there.
    assert_eq!((splits.train.fingerprint(), splits.test.fingerprint()), (287_427_347, 1_024_766_402));
    let more = digits(301, 1, 7).unwrap();
    assert_eq!(bytes(&more.train, 299), bytes(&splits.train, 299), "an image does not depend on how many there are");
    assert_eq!(bytes(&more.test, 0), bytes(&splits.test, 0));
    assert_ne!(digits(300, 100, 8).unwrap().train.fingerprint(), splits.train.fingerprint());
}

#[test]
fn every_class_and_outline_comes_and_no_image_twice() {
    let splits = digits(1000, 500, 0).unwrap();
    let mut counts = [0; 10];
    (0..1000).for_each(|idx| counts[splits.train.label(idx).unwrap() as usize] += 1);
    assert!(counts.iter().all(|&n| n > 60), "{counts:?}");
    let all = (0..1000).map(|idx| bytes(&splits.train, idx)).chain((0..500).map(|idx| bytes(&splits.test, idx)));
    assert_eq!(all.collect::<std::collections::HashSet<_>>().len(), 1500, "train and test share no image");
}

#[test]
fn digits_are_light_on_dark_and_stand_clear_of_the_border() {
    let data = digits(1000, 1, 3).unwrap().train;
    let mut border_ink = 0;
    for idx in 0..data.len() {
        let pixels = bytes(&data, idx);
        let ink = pixels.iter().filter(|&&pixel| pixel > 127).count();
        assert!((15..400).contains(&ink), "image {idx} has {ink} inked pixels");
        border_ink += (0..SIDE).filter(|&at| pixels[at] > 0 || pixels[(SIDE - 1) * SIDE + at] > 0).count();
    }
    assert!(border_ink < 1000, "{border_ink}");
}

#[test]
fn an_empty_split_is_refused() {
    assert!(matches!(digits(0, 1, 0), Err(DataError::NoSamples)));
    assert!(matches!(digits(usize::MAX, 1, 0), Err(DataError::TooLarge { .. })));
    assert!(matches!(digits(usize::MAX / 1024, 1, 0), Err(DataError::TooLarge { .. })));
}
