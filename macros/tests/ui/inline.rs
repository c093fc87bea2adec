// Mistakes in a network in place are underlined at their tokens, and uses of the network give no more messages.
netwright::model! {
    network Inline(width: int = 8) {
        input image: [28, 28, 1];
        hidden = image -> cnov(width, kernel: 5) -> relu;
        output y = image -> dense(10): [10];
    }
}

fn main() {
    let net = Inline::new(1);
    let _ = net.predict(netwright::ndarray::Array4::zeros((1, 28, 28, 1)).view());
}
