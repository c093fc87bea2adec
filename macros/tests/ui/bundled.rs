// A name that no bundled network has, and one that is nearly a bundled one's.
netwright::model!(<lennet>);
netwright::model!(<resnet_9000> as Big);

fn main() {
    let _ = Big::new(1);
}
