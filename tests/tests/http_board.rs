//! The server's other half: the built board's files, its index for every page, and what stands where no board is.

use std::io::Read;

use streamtable_tests::{Answer, DataDir, Server};

const SCRIPT: &str = "board-0123456789abcdef.js";
const WASM: &str = "board-0123456789abcdef_bg.wasm";
const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

/// A folder such as `trunk build` makes.
fn board() -> DataDir {
    let dir = DataDir::default();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("it can be written");
    std::fs::create_dir(dir.path().join("demo")).expect("it can be made");
    write("index.html", b"<!doctype html><title>The board</title>");
    write("demo/index.html", b"<!doctype html><title>The demo</title>");
    write(SCRIPT, "export const x = 1;\n".repeat(100).as_bytes());
    write(WASM, &[b"\0asm\x01\0\0\0".to_vec(), vec![7; 5000]].concat());
    write("icon.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    dir
}

fn start(board: &DataDir) -> Server {
    Server::start_with(&["--board", board.path().to_str().expect("it is UTF-8")])
}

async fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = server.client().get(format!("{}{path}", server.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request).await
}

#[tokio::test]
async fn every_page_is_the_boards_index() {
    let board = board();
    let server = start(&board);
    for path in ["/", "/index.html", "/table/e/p/t", "/table/e/p/model.v1?e=x", "/table/none", "/boards/mine", "/apis"]
    {
        for accept in [HTML, "*/*"] {
            let answer = get(&server, path, &[("accept", accept)]).await.expect(200);
            assert_eq!(answer.text(), "<!doctype html><title>The board</title>", "{path}");
            assert_eq!(answer.header("content-type"), "text/html", "{path}");
            assert_eq!(answer.header("cache-control"), "no-cache", "{path}: a new build must be seen");
        }
    }
    // What a page cannot be is not answered with one.
    for (path, accept) in [("/gone-0123456789abcdef.js", "*/*"), ("/x.wasm", "*/*"), ("/x", "application/json")] {
        let answer = get(&server, path, &[("accept", accept)]).await.expect(404);
        assert_eq!(answer.code(), "unknown_path", "{path}");
    }
    for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/tables"] {
        let answer = get(&server, path, &[("accept", HTML)]).await.expect(404);
        assert_eq!(answer.code(), "unknown_path", "{path}");
    }
    let answer = get(&server, "/gone-0123456789abcdef.js", &[("accept", HTML)]).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-cache", "the index is never kept under a script's name");
    assert_eq!(get(&server, "/demo/", &[]).await.expect(200).text(), "<!doctype html><title>The demo</title>");
}

#[tokio::test]
async fn files_have_their_type_and_stay_as_long_as_they_may() {
    let board = board();
    let server = start(&board);
    for (path, content_type, is_kept) in [
        (SCRIPT, "text/javascript", true),
        (WASM, "application/wasm", true),
        ("icon.svg", "image/svg+xml", false),
        ("demo/index.html", "text/html", false),
    ] {
        let answer = get(&server, &format!("/{path}"), &[]).await.expect(200);
        assert_eq!(answer.header("content-type"), content_type, "{path}");
        assert_eq!(answer.header("cache-control").contains("immutable"), is_kept, "{path}");
        assert_eq!(answer.body, std::fs::read(board.path().join(path)).unwrap(), "{path}");
    }
    // A page that asks again is told that nothing changed.
    let first = get(&server, "/table/e/p/t", &[("accept", HTML)]).await;
    let since = first.header("last-modified");
    let again = get(&server, "/table/e/p/t", &[("accept", HTML), ("if-modified-since", since)]).await.expect(304);
    assert!(again.body.is_empty());
    // A policy of this answer would take the place of the page's, which names its scripts.
    assert!(first.headers.contains_key("content-security-policy"));
    assert!(!again.headers.contains_key("content-security-policy"));

    let zipped = get(&server, &format!("/{WASM}"), &[("accept-encoding", "gzip")]).await.expect(200);
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&zipped.body[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, std::fs::read(board.path().join(WASM)).unwrap());
}

#[tokio::test]
async fn nothing_outside_the_boards_folder_is_served() {
    let board = board();
    let secret = board.path().with_extension("secret");
    std::fs::write(&secret, "what nobody may read").unwrap();
    let server = start(&board);
    let name = secret.file_name().unwrap().to_str().unwrap();
    for path in
        [format!("/../{name}"), format!("/%2e%2e/{name}"), format!("/..%2f{name}"), format!("//{}", secret.display())]
    {
        let answer = server.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("nobody"), "{path}: {answer}");
    }
    std::fs::remove_file(secret).unwrap();
}

#[tokio::test]
async fn without_a_board_the_page_says_how_to_build_it() {
    let server = Server::start();
    let answer = get(&server, "/table/e/p/t", &[("accept", HTML)]).await.expect(200);
    assert!(answer.text().contains("trunk build") && answer.header("content-type").starts_with("text/html"));
    assert_eq!(get(&server, "/board.js", &[]).await.expect(404).code(), "unknown_path");
    let (status, stderr) = Server::fails_to_start(&DataDir::default(), &["--board", "/no/such/folder"]);
    assert!(!status.success() && stderr.contains("/no/such/folder"), "{stderr}");
}

#[tokio::test]
async fn a_board_that_is_built_while_the_server_runs_is_served() {
    let dir = DataDir::default();
    let server = start(&dir);
    let page = get(&server, "/table/e/p/t", &[("accept", HTML)]).await.expect(200);
    assert!(page.text().contains("the board is not built"), "{}", page.text());
    std::fs::write(dir.path().join("index.html"), "<!doctype html><title>The board</title>")
        .expect("it can be written");
    let page = get(&server, "/table/e/p/t", &[("accept", HTML)]).await.expect(200);
    assert_eq!(page.text(), "<!doctype html><title>The board</title>");
}
