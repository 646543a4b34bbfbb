//! A server that is not Coro's: a model's API, a page of somebody else.

use axum::Router;

/// It serves on a free loopback port until this value ends.
#[derive(Debug)]
pub struct OtherServer {
    pub url: String,
    _runtime: tokio::runtime::Runtime,
}

impl OtherServer {
    pub fn start(app: Router) -> OtherServer {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        runtime.spawn(async { axum::serve(listener, app).await });
        OtherServer {
            url,
            _runtime: runtime,
        }
    }
}
