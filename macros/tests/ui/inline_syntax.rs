// A mistake of the syntax is one message, at the word that is in the way.
netwright::model! {
    network Inline {
        input image: [28 28, 1];
        output y = image -> flatten -> dense(10);
    }
}

fn main() {
    let _ = Inline::new(1);
}
