//! The corpus of the fuzz targets (`make fuzz`) and what they have found, once more, on any toolchain.

mod promises;

use crate::support::root;

type Promise = fn(&[u8]);

#[test]
fn no_input_of_the_corpus_breaks_a_promise() {
    let targets: [(&str, Promise); 11] = [
        ("chunked", promises::chunked),
        ("content_coding", promises::content_coding),
        ("cookie", promises::cookie),
        ("dns_message", promises::dns_message),
        ("master_file", promises::master_file),
        ("multipart", promises::multipart),
        ("ranges", promises::ranges),
        ("request_head", promises::request_head),
        ("response_head", promises::response_head),
        ("target", promises::target),
        ("url", promises::url),
    ];
    let mut names: Vec<_> =
        std::fs::read_dir(root().join("tests/fuzz/fuzz_targets")).unwrap().collect();
    names.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    let names = names.iter().map(|entry| entry.as_ref().unwrap().path());
    assert!(
        names.map(|path| path.file_stem().unwrap().to_owned()).eq(targets.map(|(name, _)| name))
    );
    for (name, promise) in targets {
        let corpus = root().join("tests/fuzz/corpus").join(name);
        let inputs = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path());
        for input in inputs {
            let bytes = std::fs::read(&input).unwrap();
            let kept = std::panic::catch_unwind(|| promise(&bytes)).is_ok();
            assert!(kept, "{}", input.display());
        }
    }
}
