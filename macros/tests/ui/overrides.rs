// Values for parameters that there are none of, or of another type.
mod a {
    netwright::model!(<lenet> as Four, clases = 4);
}
mod b {
    netwright::model!(<lenet>, classes = 2.5);
}

fn main() {
    let _ = a::Four::new(1);
    let _ = b::LeNet::new(1);
}
