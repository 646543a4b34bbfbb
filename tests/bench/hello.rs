//! The bare server that reads are compared with: axum, one handler, one word.

use anyhow::Result;
use axum::Router;
use tokio::net::TcpListener;

/// Prints its address and serves until killed.
pub(crate) fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("{}", listener.local_addr()?);
            let router = Router::new().fallback(|| async { "hello" });
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                let _ = stream.set_nodelay(true);
            });
            Ok(axum::serve(listener, router).await?)
        })
}
