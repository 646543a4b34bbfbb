//! The tests through the front door: each file is a subject, each test a
//! sentence, and most run on both engines.

mod access;
mod audit;
mod backup;
mod bridge;
mod cli;
mod cli_agents;
mod clients;
mod consumers;
mod docs;
mod events;
mod fuzz;
mod http_face;
mod kit;
mod koor_client;
mod koor_faults;
mod linearizable;
mod migrations;
mod openapi;
mod patterns;
mod release;
mod replicas;
mod retention;
mod soak;
mod startup;
mod state;
mod state_conditions;
mod state_history;
mod streams;
mod tokens;
mod txn;
