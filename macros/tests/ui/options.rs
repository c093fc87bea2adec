// Options that are none.
mod a {
    netwright::model!(<lenet>, cache = "large");
}
mod b {
    netwright::model!(<lenet>, cache = -1);
}
mod c {
    netwright::model!(<lenet>, int8 = 8);
}

fn main() {}
