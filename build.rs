//! Rebuilds the program when the page was built anew: it is embedded.

fn main() {
    println!("cargo:rerun-if-changed=target/public");
}
