//! A whole program: loads weights from a file, predicts one image, prints its class. `benches/cold.py` starts it again and
//! again and takes the time; `cold --new FILE` writes weights for it to load.

use std::error::Error;
use std::path::PathBuf;

use netwright::ndarray::Array4;

netwright::model!(<lenet> as LeNet);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let Some(file) = arguments.pop() else { return Err("usage: cold [--new] FILE".into()) };
    if arguments.first().is_some_and(|first| first.as_os_str() == "--new") {
        return Ok(LeNet::new(1).save(file)?);
    }
    let network = LeNet::load(file)?;
    let image = Array4::from_shape_fn((1, 28, 28, 1), |(_, y, x, _)| ((y * x) % 17) as f32 / 16.0);
    let scores = network.predict(image.view())?;
    let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    println!("{}", best.map_or(0, |(class, _)| class));
    Ok(())
}
