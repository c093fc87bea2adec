//! Generated code that reads photographs and names its classes.

use netwright::Network;
use netwright::spec::ChannelOrder;

netwright::model! {
    network Pets {
        input image: [4, 6, 3] from photo(resize: 8, scale: 1.0, mean: [1, 2, 3], std: 2.0, order: "bgr");
        output animal = image -> flatten -> dense(2) -> softmax;
        labels animal: ["cat", "dog"];
    }
}

netwright::model!("../nets/labelled.net");

/// One red pixel: a PNG of one byte a channel.
const RED: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0,
    0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

#[test]
fn a_photograph_becomes_a_batch_of_one() {
    let image = Pets::decode_photo(RED).unwrap();
    assert_eq!(image.shape(), [1, 4, 6, 3]);
    // Blue, green, red.
    assert!(image.iter().eq([-0.5, -1.0, 126.0].iter().cycle().take(4 * 6 * 3)), "{image}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("red.png");
    std::fs::write(&path, RED).unwrap();
    assert_eq!(Pets::read_photo(&path).unwrap(), image);
    assert_eq!(Pets::new(1).predict(image.view()).unwrap().shape(), [1, 2]);
    assert!(Pets::decode_photo(b"GIF89a").unwrap_err().to_string().contains("expected a PNG or JPEG image"));
    assert!(Pets::read_photo(folder.path()).is_err());
}

#[test]
fn the_network_tells_of_its_photographs_and_classes() {
    let photo = Pets::PHOTOS[0].unwrap();
    assert_eq!((photo.resize, photo.scale, photo.order), (8, 1.0, ChannelOrder::Bgr));
    assert_eq!((photo.mean, photo.std), (&[1.0, 2.0, 3.0][..], &[2.0; 3][..]));
    assert_eq!((Pets::LABELS, Pets::OUTPUT_LABELS), (&["cat", "dog"][..], &[&["cat", "dog"][..]][..]));
}

/// One of two outputs has labels, which a text beside the description has.
#[test]
fn labels_come_from_a_text() {
    assert_eq!(Labelled::LABELS, ["tabby cat", "dog", "fish"]);
    assert_eq!(Labelled::OUTPUT_LABELS, [&[][..], &["tabby cat", "dog", "fish"]]);
    assert!(Labelled::PHOTOS.is_empty());
}
