//! The dashboard: a page on a listener of its own.
//!
//! The page is the folder `dashboard/`, in the program itself ([`files`]). On
//! its listener stand those files and the API that it calls; every answer
//! carries headers that let the page load from here only, and let no other
//! page show or read it ([`routes`]).

pub mod files;
pub mod routes;
