use super::*;
use crate::server::Multipart;

/// Returns the body of a form of these fields, with `B0`, `B1` … for the boundaries.
fn body_of(fields: &[&str]) -> Result<String, String> {
    let parts = parts(fields.iter().map(|field| Typed::Spelled(field)))?;
    let read = |_: &Path| Ok(b"H: 1\r\n# c\nI: 2\n  3\n\n".to_vec());
    let (recipe, content_type) =
        body(&parts, "xyz", &read).map_err(|(_, error)| error.to_string())?;
    let mut text = String::new();
    io::Read::read_to_string(&mut recipe.open().unwrap(), &mut text).unwrap();
    let mut text = format!("{content_type}\n{}", text.replace("\r\n", "\n"));
    let boundaries: Vec<String> = text
        .split("boundary=")
        .skip(1)
        .filter_map(|rest| rest.lines().next().map(str::to_owned))
        .collect();
    for (at, boundary) in boundaries.iter().enumerate() {
        text = text.replace(boundary, &format!("B{at}"));
    }
    Ok(text)
}

/// Returns the head of the only part.
fn head_of(typed: &str) -> String {
    match &parts([Typed::Spelled(typed)]).unwrap()[..] {
        [part] => part.head(Within::Form, None),
        several => panic!("{several:?}"),
    }
}

#[test]
fn heads_of_fields() {
    for (typed, want) in [
        ("a=b", "; name=\"a\"\r\n"),
        ("=b", "\r\n"),
        ("a=b;type=text/plain", "; name=\"a\"\r\nContent-Type: text/plain\r\n"),
        ("a,b=@d/x.txt", "; name=\"a,b\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n"),
        ("a=@d/x.txt", "; name=\"a\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n"),
        ("a=@x", "; name=\"a\"; filename=\"x\"\r\nContent-Type: application/octet-stream\r\n"),
        (
            "a=@x;type=text/x;charset=b;filename=\"c;d\\\"e\"",
            "; name=\"a\"; filename=\"c;d%22e\"\r\nContent-Type: text/x;charset=b\r\n",
        ),
        (
            "a=@\"x,\\\"y\";type=a/b;c=\"d,e\"",
            "; name=\"a\"; filename=\"x,%22y\"\r\nContent-Type: a/b;c=\"d,e\"\r\n",
        ),
        ("a=b,c;type=m/f;d=e,f", "; name=\"a\"\r\nContent-Type: m/f;d=e,f\r\n"),
        ("a=<x", "; name=\"a\"\r\n"),
        ("a\r\n\"b=c", "; name=\"a%0D%0A%22b\"\r\n"),
        ("a=b;encoder=8BIT", "; name=\"a\"\r\nContent-Transfer-Encoding: 8bit\r\n"),
    ] {
        assert_eq!(head_of(typed), format!("Content-Disposition: form-data{want}"), "{typed}");
    }
}

/// As curl 7.88 sends them.
#[test]
fn parts_of_parts() {
    let missing = "/no/such/file.txt";
    for (fields, want) in [
        (
            &["a=(;type=multipart/alternative", "=one", "= <b>;type=text/html", "=)", "c=d"][..],
            "multipart/form-data; boundary=B0\n--B0\nContent-Disposition: form-data; name=\"a\"\n\
             Content-Type: multipart/alternative; boundary=B1\n\n--B1\n\none\n--B1\nContent-Type: text/html\n\n<b>\n\
             --B1--\n\n--B0\nContent-Disposition: form-data; name=\"c\"\n\nd\n--B0--\n",
        ),
        (
            &["o=(", "i=(", "x=y"],
            "multipart/form-data; boundary=B0\n--B0\nContent-Disposition: form-data; name=\"o\"\n\
             Content-Type: multipart/mixed; boundary=B1\n\n--B1\nContent-Disposition: attachment; name=\"i\"\n\
             Content-Type: multipart/mixed; boundary=B2\n\n--B2\nContent-Disposition: attachment; name=\"x\"\n\ny\n\
             --B2--\n\n--B1--\n\n--B0--\n",
        ),
        (
            &["a=b;headers=\"X: y\";headers=@f"],
            "multipart/form-data; boundary=B0\n--B0\nContent-Disposition: form-data; name=\"a\"\nX: y\nH: 1\nI: 2 3\n\nb\n\
             --B0--\n",
        ),
    ] {
        assert_eq!(body_of(fields).as_deref(), Ok(want), "{fields:?}");
    }
    assert!(body_of(&[&format!("a=@{missing},{missing}")]).unwrap_err().contains("No such file"));
}

#[test]
fn several_files_in_one_field() {
    let got = parts([Typed::Spelled("a=@x.png;type=m/n,\"y,z.txt\";filename=q;headers=\"A: b\"")])
        .unwrap();
    let [Part { name, content: Content::Parts(files), .. }] = &got[..] else { panic!("{got:?}") };
    let heads: Vec<_> = files.iter().map(|file| file.head(Within::Part, None)).collect();
    assert_eq!(name, "a");
    assert_eq!(
        heads,
        [
            "Content-Disposition: attachment; filename=\"x.png\"\r\nContent-Type: m/n\r\n",
            "Content-Disposition: attachment; filename=\"q\"\r\nContent-Type: text/plain\r\n"
        ]
    );
    assert_eq!(files[1].headers, [PartHeader::Line("A: b".to_owned())]);
}

#[test]
fn the_server_reads_what_is_sent() {
    let folder = std::env::temp_dir().join(format!("threadbare-form-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("c \u{fc}.txt");
    let content = "0123456789\r\n--xy\r\n--".repeat(10_000);
    std::fs::write(&file, &content).unwrap();
    let typed = format!("f\r\n\"=@{};filename=\"d\\\"e;f\"", file.display());
    let fields = ["a=b;type=text/plain", "a=", &typed, &format!("t=<{}", file.display())];
    let parts = parts(fields.map(Typed::Spelled)).unwrap();
    let (recipe, content_type) = body(&parts, "xyz", &|path: &Path| std::fs::read(path)).unwrap();
    let mut upload = recipe.open().unwrap();
    let mut form = Multipart::new(&content_type, &mut upload).unwrap();
    let mut read = Vec::new();
    while let Some(mut part) = form.next_part().unwrap() {
        let about = (part.name().to_owned(), part.file_name().map(str::to_owned));
        let media_type = part.content_type().map(str::to_owned);
        read.push((about, media_type, part.text(1 << 20).unwrap()));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let want = [
        (("a", None), Some("text/plain"), "b"),
        (("a", None), None, ""),
        (("f\r\n\"", Some("d\"e;f")), Some("text/plain"), &*content),
        (("t", None), None, &*content),
    ];
    let want = want.map(|((name, file), media_type, content)| {
        let about = (name.to_owned(), file.map(str::to_owned));
        (about, media_type.map(str::to_owned), content.to_owned())
    });
    assert!(read == want);
}

#[test]
fn what_is_refused() {
    for typed in [
        "a",
        "a=b;c",
        "a=@",
        "a=@x,",
        "a=@x,y;filename=\"c\"d",
        "a=@\"x\\\"y\"z",
        "a=@x;type=nonsense",
        "a=b;type=m/",
        "a=b;type=a b/c",
        "a=(b",
        "a=();x",
        "=)",
        "a=<b;filename=c",
        "a=\"b\"c",
        "a=b;type=a\r\nb",
        "a=@x;headers=y",
        "a=b;headers=\"X: y\r\nZ: q\"",
        "a=b;headers=@",
        "a=b;encoder=base64",
        "a=b;encoder=x",
        "a=\u{fc};encoder=7bit",
    ] {
        let wrong = parts([Typed::Spelled(typed)]).unwrap_err();
        assert!(wrong.contains("right: ") && wrong.lines().count() == 1, "{typed}: {wrong}");
    }
    assert!(parts([Typed::Spelled("a=("), Typed::Plain("b=(;"), Typed::Spelled("=)")]).is_ok());
}
