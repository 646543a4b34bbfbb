//! The rows, and nothing else; so the file may be long. A comment beside a row
//! says where its facts stand; where it names no page they are second-hand, and
//! the row says so too.
//!
//! Not here, because they ended in 2026: Roo Code, iFlow, and the CLI of Amazon
//! Q Developer, which is Kiro now.

use super::Evidence::{Secondhand, Vendor};
use super::Format::{Json, Jsonc, Toml, Yaml};
use super::Rank::{First, Second};
use super::{Client, Entry, Hooks, Members, Part, Shape, TOKEN_VARIABLE, Token};

/// Every client, first rank first.
pub const CLIENTS: &[Client] = &[
    // https://code.claude.com/docs/en/mcp (which file), /memory, /hooks
    Client {
        id: "claude-code",
        name: "Claude Code",
        rank: First,
        evidence: Vendor,
        project_file: Some(".mcp.json"),
        user_file: Some("~/.claude.json"),
        format: Json,
        token: Token::Variable("${CORO_TOKEN}"),
        shape: servers(TYPED_HTTP, TYPED_STDIO),
        rules: &["CLAUDE.md", ".claude/rules/*.md"],
        hooks: Hooks::File(".claude/settings.json"),
        approve: "Claude Code asks once, at the first start in the folder, whether to use the server of `.mcp.json`; \
            `claude -p` uses it without a question. A file `.claude/mcp.json` is not read. \
            `AGENTS.md` is read where there is no `CLAUDE.md`; a `CLAUDE.md` with the line `@AGENTS.md` is sure.",
        check: "`/mcp` in a session, or `claude mcp list`",
    },
    // https://cursor.com/docs/mcp
    Client {
        id: "cursor",
        name: "Cursor",
        rank: First,
        evidence: Vendor,
        project_file: Some(".cursor/mcp.json"),
        user_file: Some("~/.cursor/mcp.json"),
        format: Json,
        token: Token::Variable("${env:CORO_TOKEN}"),
        shape: servers(HTTP, STDIO),
        rules: &["AGENTS.md", ".cursor/rules/*.mdc"],
        hooks: Hooks::File(".cursor/hooks.json"),
        approve: "Switch `coro` on under MCP in Cursor's settings. The variable must be in the environment that Cursor was \
            started with: start it from the shell that has it.",
        check: "MCP in Cursor's settings lists `coro` with its tools",
    },
    // https://code.visualstudio.com/docs/agents/reference/mcp-configuration
    Client {
        id: "vscode",
        name: "VS Code with Copilot",
        rank: First,
        evidence: Vendor,
        project_file: Some(".vscode/mcp.json"),
        // The user's file is that of a profile; its place differs by system.
        user_file: None,
        format: Jsonc,
        token: Token::Prompt("coro-token"),
        shape: shape(&["servers"], TYPED_HTTP, TYPED_STDIO),
        rules: &[
            "AGENTS.md",
            ".github/copilot-instructions.md",
            ".github/instructions/*.instructions.md",
        ],
        // https://docs.github.com/en/copilot/reference/hooks-configuration
        hooks: Hooks::File(".github/hooks/*.json"),
        approve: "Press *Start* above the entry in the file, say that you trust it, and paste the token when you are asked; \
            VS Code keeps it. Servers with such a question are not passed on to the Copilot CLI: with both, use the root \
            `.mcp.json` of Copilot CLI, which newer versions of VS Code read too.",
        check: "the command *MCP: List Servers*",
    },
    // https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/add-mcp-servers
    Client {
        id: "copilot-cli",
        name: "Copilot CLI",
        rank: First,
        evidence: Vendor,
        project_file: Some(".mcp.json"),
        user_file: Some("~/.copilot/mcp-config.json"),
        format: Json,
        // The page writes of variables in `env` only; headers seen with 1.0.102.
        token: Token::Variable("${CORO_TOKEN}"),
        shape: servers(COPILOT_HTTP, COPILOT_STDIO),
        rules: &["AGENTS.md", ".github/copilot-instructions.md"],
        hooks: Hooks::File(".github/hooks/*.json"),
        approve: "Trust the folder when you are asked; `copilot -p` needs `GITHUB_COPILOT_PROMPT_MODE_WORKSPACE_MCP=true`. \
            It \
            shares the file with Claude Code and does not read `.vscode/mcp.json`.",
        check: "`/mcp show`",
    },
    // https://developers.openai.com/codex/mcp, https://developers.openai.com/codex/hooks.md,
    // github.com/openai/codex codex-rs/config/src/mcp_types.rs
    Client {
        id: "codex",
        name: "OpenAI Codex",
        rank: First,
        evidence: Vendor,
        project_file: Some(".codex/config.toml"),
        user_file: Some("~/.codex/config.toml"),
        format: Toml,
        token: Token::VariableName,
        shape: shape(
            &["mcp_servers"],
            &[
                ("url", Part::Url),
                ("bearer_token_env_var", Part::TokenVariable),
            ],
            &[
                ("command", Part::Program),
                ("args", Part::Arguments),
                // It hands on none that is not named (seen with 0.169.0), and
                // without CORO_AGENT the bridge might take the owner's token.
                (
                    "env_vars",
                    Part::Texts(&["CORO_URL", "CORO_TOKEN", "CORO_PROJECT", "CORO_AGENT"]),
                ),
            ],
        ),
        rules: &["AGENTS.override.md", "AGENTS.md"],
        hooks: Hooks::File(".codex/hooks.json"),
        approve: "CLI, IDE and app read the same file. The project's counts only in a project that you trust; Codex asks at the first start in it. Hooks are \
            trusted one by one with `/hooks`. A table `headers` would be ignored, and a token in the file is refused.",
        check: "`/mcp` in a session, or `codex mcp list`",
    },
    // https://geminicli.com/docs/tools/mcp-server
    Client {
        id: "gemini-cli",
        name: "Gemini CLI",
        rank: First,
        evidence: Vendor,
        project_file: Some(".gemini/settings.json"),
        user_file: Some("~/.gemini/settings.json"),
        format: Json,
        token: Token::Variable("$CORO_TOKEN"),
        shape: Shape {
            // Without it only GEMINI.md is read.
            beside: &[(
                "context",
                Part::Members(&[("fileName", Part::Texts(&["AGENTS.md", "GEMINI.md"]))]),
            )],
            ..servers(
                &[
                    // `url` would mean the older transport, SSE.
                    ("httpUrl", Part::Url),
                    ("headers", HEADERS),
                    // In milliseconds.
                    ("timeout", Part::Number(30_000)),
                ],
                &[
                    ("command", Part::Program),
                    ("args", Part::Arguments),
                    // It keeps variables with such names to itself unless they
                    // are written here (seen with 0.61.0).
                    ("env", Part::Members(&[(TOKEN_VARIABLE, Part::Token)])),
                ],
            )
        },
        rules: &["AGENTS.md", "GEMINI.md"],
        hooks: Hooks::File(".gemini/settings.json"),
        approve: "Trust the folder if you are asked. Since June 2026 Gemini CLI works with an API key or an enterprise account \
            only.",
        check: "`/mcp` in a session, or `gemini mcp list`",
    },
    // https://antigravity.google/docs/mcp
    Client {
        id: "antigravity",
        name: "Antigravity",
        rank: First,
        evidence: Vendor,
        project_file: Some(".agents/mcp_config.json"),
        user_file: Some("~/.gemini/config/mcp_config.json"),
        format: Json,
        // Nobody says whether headers are expanded.
        token: Token::VariableToTry("${CORO_TOKEN}"),
        shape: servers(&[("serverUrl", Part::Url), ("headers", HEADERS)], STDIO),
        rules: &["AGENTS.md", "GEMINI.md", ".agents/rules/*.md"],
        hooks: Hooks::File(".agents/hooks.json"),
        approve: "The file is strict JSON: a comment or a trailing comma stops the start, and a bad entry is dropped without a \
            word. The user file of its CLI, `agy`, is `~/.gemini/antigravity-cli/mcp_config.json`. Variables in headers are not in its \
            manual: if the server answers 401, use the stdio bridge.",
        check: "the list of MCP servers in the agent's panel",
    },
    // https://opencode.ai/v2/docs/mcp-servers, https://opencode.ai/v1/docs/mcp-servers
    Client {
        id: "opencode",
        name: "opencode",
        rank: First,
        evidence: Vendor,
        project_file: Some("opencode.json"),
        user_file: Some("~/.config/opencode/opencode.json"),
        format: Jsonc,
        token: Token::Variable("{env:CORO_TOKEN}"),
        // The shape of version 1, which version 2 converts when it loads it.
        shape: Shape {
            beside: &[("$schema", Part::Text("https://opencode.ai/config.json"))],
            ..shape(&["mcp"], REMOTE, LOCAL)
        },
        rules: &["AGENTS.md"],
        hooks: Hooks::Plugin,
        approve: "Nothing to approve. Version 2 reads this too; its own shape has the servers below `mcp.servers`, and \
            `disabled` in place of `enabled`.",
        check: "`opencode mcp list`",
    },
    // https://kilo.ai/docs/automate/mcp/using-in-kilo-code
    Client {
        id: "kilo",
        name: "Kilo Code",
        rank: First,
        evidence: Vendor,
        project_file: Some("kilo.jsonc"),
        user_file: Some("~/.config/kilo/kilo.jsonc"),
        format: Jsonc,
        token: Token::Variable("{env:CORO_TOKEN}"),
        shape: shape(&["mcp"], REMOTE, LOCAL),
        rules: &["AGENTS.md", ".kilo/rules/*.md"],
        hooks: Hooks::Plugin,
        approve: "`.kilo/kilo.jsonc` is read too. Old versions have `.kilocode/mcp.json` with `mcpServers` and \
            `\"type\": \"streamable-http\"`.",
        check: "the list of MCP servers in Kilo's settings",
    },
    // https://docs.cline.bot/mcp/mcp-overview, github.com/cline/cline issue 6767 (the type)
    Client {
        id: "cline",
        name: "Cline",
        rank: First,
        evidence: Vendor,
        project_file: None,
        user_file: Some("~/.cline/data/settings/cline_mcp_settings.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(
            &[
                // Without it Cline takes SSE and says nothing.
                ("type", Part::Text("streamableHttp")),
                ("url", Part::Url),
                ("headers", HEADERS),
                ("disabled", Part::Bool(false)),
                ("autoApprove", Part::Texts(&[])),
            ],
            APPROVING_STDIO,
        ),
        rules: &["AGENTS.md", ".clinerules/*.md"],
        hooks: Hooks::File(".clinerules/hooks/"),
        approve: "Cline has no file in the project. In VS Code open its file with *Configure MCP Servers*; the path above is \
            the CLI's (`CLINE_MCP_SETTINGS_PATH` moves it).",
        check: "*MCP Servers* in Cline's panel",
    },
    // https://docs.devin.ai/cli/extensibility/mcp/configuration.md
    Client {
        id: "devin",
        name: "Devin",
        rank: First,
        evidence: Vendor,
        project_file: Some(".devin/config.json"),
        user_file: Some("~/.config/devin/config.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(
            &[
                ("url", Part::Url),
                ("transport", Part::Text("http")),
                ("headers", HEADERS),
            ],
            STDIO,
        ),
        rules: &["AGENTS.md", ".windsurf/rules/*.md"],
        // It reads the hooks of Claude Code.
        hooks: Hooks::File(".claude/settings.json"),
        approve: "CLI and Desktop read the same file. For one project, `.devin/config.local.json` takes the same text and is not committed. After any answer of \
            400 to 499 Devin tries the older transport, so a wrong token looks like a fault of the connection: try the token \
            with `coro-cli whoami`.",
        check: "`devin mcp list`",
    },
    // https://docs.windsurf.com/windsurf/cascade/mcp
    Client {
        id: "windsurf",
        name: "Windsurf",
        rank: First,
        evidence: Vendor,
        project_file: None,
        user_file: Some("~/.codeium/windsurf/mcp_config.json"),
        format: Json,
        token: Token::Variable("${env:CORO_TOKEN}"),
        shape: servers(&[("serverUrl", Part::Url), ("headers", HEADERS)], STDIO),
        rules: &["AGENTS.md", ".windsurf/rules/*.md"],
        hooks: Hooks::File(".windsurf/hooks.json"),
        approve: "This is Cascade; its follower is Devin Desktop. Refresh the list of MCP servers in Cascade's panel after a change.",
        check: "the list of MCP servers in Cascade's panel",
    },
    // https://zed.dev/docs/ai/mcp
    Client {
        id: "zed",
        name: "Zed",
        rank: First,
        evidence: Vendor,
        project_file: Some(".zed/settings.json"),
        user_file: Some("~/.config/zed/settings.json"),
        format: Jsonc,
        token: Token::Literal,
        shape: shape(&["context_servers"], HTTP, STDIO),
        rules: &["AGENTS.md", ".rules"],
        hooks: Hooks::None,
        approve: "Without the header Zed begins an OAuth sign-in, which this server does not offer. Agents that run inside Zed \
            get its servers too.",
        check: "a green dot beside `coro` in the settings of the agent's panel",
    },
    // https://junie.jetbrains.com/docs/junie-cli-mcp-configuration.html; an older page,
    // https://www.jetbrains.com/help/junie/model-context-protocol-mcp.html, knows stdio only.
    Client {
        id: "junie",
        name: "JetBrains Junie",
        rank: First,
        evidence: Vendor,
        project_file: Some(".junie/mcp/mcp.json"),
        user_file: Some("~/.junie/mcp/mcp.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(HTTP, STDIO),
        rules: &["AGENTS.md", ".junie/AGENTS.md"],
        hooks: Hooks::Unconfirmed,
        approve: "Older versions take the stdio bridge only. JetBrains AI Assistant has no file: paste the text of the bridge \
            under *Settings > Tools > AI Assistant > MCP*.",
        check: "`/mcp` in the CLI, *Settings > Tools > Junie* in the IDE",
    },
    // https://ampcode.com/manual
    Client {
        id: "amp",
        name: "Amp",
        rank: First,
        evidence: Vendor,
        project_file: Some(".amp/settings.json"),
        user_file: Some("~/.config/amp/settings.json"),
        format: Json,
        token: Token::Variable("$CORO_TOKEN"),
        // One member whose name has a dot.
        shape: shape(&["amp.mcpServers"], HTTP, STDIO),
        rules: &["AGENTS.md"],
        hooks: Hooks::None,
        approve: "Run `amp mcp approve coro` once in the project.",
        check: "`amp mcp doctor`",
    },
    // https://kiro.dev/docs/mcp/configuration
    Client {
        id: "kiro",
        name: "Kiro",
        rank: First,
        evidence: Vendor,
        project_file: Some(".kiro/settings/mcp.json"),
        user_file: Some("~/.kiro/settings/mcp.json"),
        format: Json,
        token: Token::Variable("${CORO_TOKEN}"),
        shape: servers(
            &[
                ("url", Part::Url),
                ("headers", HEADERS),
                ("disabled", Part::Bool(false)),
                ("autoApprove", Part::Texts(&[])),
            ],
            APPROVING_STDIO,
        ),
        rules: &["AGENTS.md", ".kiro/steering/*.md"],
        hooks: Hooks::Unconfirmed,
        approve: "Approve the variable `CORO_TOKEN` if Kiro asks for it.",
        check: "*MCP Servers* in Kiro's panel, or `/mcp` in the CLI",
    },
    // https://docs.factory.ai/cli/configuration/mcp
    Client {
        id: "factory",
        name: "Factory Droid",
        rank: Second,
        evidence: Vendor,
        project_file: Some(".factory/mcp.json"),
        user_file: Some("~/.factory/mcp.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(
            &[
                ("type", Part::Text("http")),
                ("url", Part::Url),
                ("headers", HEADERS),
                ("disabled", Part::Bool(false)),
            ],
            &[
                ("type", Part::Text("stdio")),
                ("command", Part::Program),
                ("args", Part::Arguments),
                ("disabled", Part::Bool(false)),
            ],
        ),
        rules: &["AGENTS.md"],
        hooks: Hooks::Unconfirmed,
        approve: "Older versions take the bridge only.",
        check: "",
    },
    Client {
        id: "qwen-code",
        name: "Qwen Code",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".qwen/settings.json"),
        user_file: Some("~/.qwen/settings.json"),
        format: Json,
        token: Token::Variable("$CORO_TOKEN"),
        shape: servers(&[("httpUrl", Part::Url), ("headers", HEADERS)], STDIO),
        rules: &["AGENTS.md", "QWEN.md"],
        hooks: Hooks::Unconfirmed,
        approve: "",
        check: "",
    },
    Client {
        id: "crush",
        name: "Crush",
        rank: Second,
        evidence: Secondhand,
        project_file: Some("crush.json"),
        user_file: Some("~/.config/crush/crush.json"),
        format: Json,
        token: Token::Variable("$CORO_TOKEN"),
        shape: Shape {
            beside: &[("$schema", Part::Text("https://charm.land/crush.json"))],
            ..shape(&["mcp"], TYPED_HTTP, TYPED_STDIO)
        },
        rules: &["AGENTS.md", "CRUSH.md"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    // The file: https://block.github.io/goose/docs/guides/config-files
    Client {
        id: "goose",
        name: "Goose",
        rank: Second,
        evidence: Secondhand,
        project_file: None,
        user_file: Some("~/.config/goose/config.yaml"),
        format: Yaml,
        token: Token::Literal,
        shape: shape(
            &["extensions"],
            &[
                ("enabled", Part::Bool(true)),
                ("type", Part::Text("streamable_http")),
                ("name", Part::Name),
                ("uri", Part::Url),
                ("headers", HEADERS),
                // In seconds.
                ("timeout", Part::Number(300)),
            ],
            &[
                ("enabled", Part::Bool(true)),
                ("type", Part::Text("stdio")),
                ("name", Part::Name),
                ("cmd", Part::Program),
                ("args", Part::Arguments),
                ("timeout", Part::Number(300)),
            ],
        ),
        rules: &["AGENTS.md", ".goosehints"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    // The file: https://docs.continue.dev/customize/deep-dives/mcp
    Client {
        id: "continue",
        name: "Continue",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".continue/mcpServers/coro.yaml"),
        user_file: Some("~/.continue/mcpServers/coro.yaml"),
        format: Yaml,
        token: Token::Variable("${{ secrets.CORO_TOKEN }}"),
        shape: Shape {
            beside: &[
                ("name", Part::Name),
                ("version", Part::Text("0.0.1")),
                ("schema", Part::Text("v1")),
            ],
            http: Some(Entry {
                path: &["mcpServers"],
                listed: true,
                members: &[
                    ("name", Part::Name),
                    ("type", Part::Text("streamable-http")),
                    ("url", Part::Url),
                    ("requestOptions", Part::Members(&[("headers", HEADERS)])),
                ],
            }),
            stdio: Entry {
                path: &["mcpServers"],
                listed: true,
                members: &[
                    ("name", Part::Name),
                    ("type", Part::Text("stdio")),
                    ("command", Part::Program),
                    ("args", Part::Arguments),
                ],
            },
        },
        rules: &[".continue/rules/*.md"],
        hooks: Hooks::None,
        approve: "The secret `CORO_TOKEN` comes from `.continue/.env`, which must not be committed. Tools work in agent mode.",
        check: "",
    },
    // https://docs.warp.dev/agents/capabilities/mcp
    Client {
        id: "warp",
        name: "Warp",
        rank: Second,
        evidence: Vendor,
        project_file: Some(".warp/.mcp.json"),
        user_file: Some("~/.warp/.mcp.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(HTTP, STDIO),
        rules: &["AGENTS.md"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    Client {
        id: "auggie",
        name: "Auggie (Augment)",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".augment/settings.json"),
        user_file: Some("~/.augment/settings.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(TYPED_HTTP, STDIO),
        rules: &["AGENTS.md", ".augment/rules/*.md"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    // https://docs.x.ai/build/features/mcp-servers
    Client {
        id: "grok-build",
        name: "Grok Build",
        rank: Second,
        evidence: Vendor,
        project_file: Some(".grok/config.toml"),
        user_file: Some("~/.grok/config.toml"),
        format: Toml,
        token: Token::Variable("${CORO_TOKEN}"),
        shape: shape(&["mcp_servers"], HTTP, STDIO),
        rules: &["AGENTS.md"],
        hooks: Hooks::None,
        approve: "",
        check: "`grok mcp doctor coro`",
    },
    // https://moonshotai.github.io/kimi-code/en/customization/mcp
    Client {
        id: "kimi-code",
        name: "Kimi Code",
        rank: Second,
        evidence: Vendor,
        project_file: Some(".kimi-code/mcp.json"),
        user_file: Some("~/.kimi-code/mcp.json"),
        format: Json,
        token: Token::VariableName,
        shape: servers(
            &[
                ("url", Part::Url),
                ("bearerTokenEnvVar", Part::TokenVariable),
            ],
            STDIO,
        ),
        rules: &["AGENTS.md"],
        hooks: Hooks::None,
        approve: "",
        check: "`/mcp`",
    },
    Client {
        id: "trae",
        name: "Trae",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".trae/mcp.json"),
        user_file: None,
        format: Json,
        // The only file is the project's, and no variable is known to work.
        token: Token::Bridge,
        shape: Shape {
            http: None,
            ..servers(HTTP, STDIO)
        },
        rules: &[".trae/rules/*.md"],
        hooks: Hooks::None,
        approve: "Switch *Enable Project MCP* on.",
        check: "",
    },
    // https://docs.mistral.ai/vibe/code/cli/mcp-servers
    Client {
        id: "mistral-vibe",
        name: "Mistral Vibe",
        rank: Second,
        evidence: Vendor,
        // A project's .vibe/config.toml takes the place of the user's whole
        // file, models and all; so it is not ours to make.
        project_file: None,
        user_file: Some("~/.vibe/config.toml"),
        format: Toml,
        token: Token::VariableName,
        shape: Shape {
            beside: &[],
            http: Some(Entry {
                path: &["mcp_servers"],
                listed: true,
                members: &[
                    ("name", Part::Name),
                    ("transport", Part::Text("streamable-http")),
                    ("url", Part::Url),
                    ("api_key_env", Part::TokenVariable),
                    ("api_key_header", Part::Text("Authorization")),
                    ("api_key_format", Part::Text("Bearer {token}")),
                ],
            }),
            stdio: Entry {
                path: &["mcp_servers"],
                listed: true,
                members: &[
                    ("name", Part::Name),
                    ("transport", Part::Text("stdio")),
                    ("command", Part::Program),
                    ("args", Part::Arguments),
                ],
            },
        },
        rules: &["AGENTS.md"],
        hooks: Hooks::None,
        approve: "Where a project has `.vibe/config.toml`, that file is read and the user's is not: put it there too.",
        check: "",
    },
    Client {
        id: "codebuddy",
        name: "CodeBuddy",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".mcp.json"),
        user_file: None,
        format: Json,
        token: Token::Variable("${CORO_TOKEN}"),
        shape: servers(TYPED_HTTP, TYPED_STDIO),
        rules: &["AGENTS.md"],
        hooks: Hooks::Unconfirmed,
        approve: "",
        check: "",
    },
    Client {
        id: "qoder",
        name: "Qoder",
        rank: Second,
        evidence: Secondhand,
        project_file: Some(".mcp.json"),
        user_file: None,
        format: Json,
        token: Token::Variable("${CORO_TOKEN}"),
        shape: servers(TYPED_HTTP, TYPED_STDIO),
        rules: &["AGENTS.md"],
        hooks: Hooks::Unconfirmed,
        approve: "",
        check: "",
    },
    Client {
        id: "openhands",
        name: "OpenHands",
        rank: Second,
        evidence: Secondhand,
        project_file: None,
        user_file: Some("~/.openhands/config.toml"),
        format: Toml,
        token: Token::Literal,
        shape: Shape {
            beside: &[],
            http: Some(Entry {
                path: &["mcp", "shttp_servers"],
                listed: true,
                members: &[("url", Part::Url), ("api_key", Part::Token)],
            }),
            stdio: Entry {
                path: &["mcp", "stdio_servers"],
                listed: true,
                members: &[
                    ("name", Part::Name),
                    ("command", Part::Program),
                    ("args", Part::Arguments),
                ],
            },
        },
        rules: &["AGENTS.md", ".openhands/microagents/*.md"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    Client {
        id: "lm-studio",
        name: "LM Studio",
        rank: Second,
        evidence: Secondhand,
        project_file: None,
        user_file: Some("~/.lmstudio/mcp.json"),
        format: Json,
        token: Token::Literal,
        shape: servers(HTTP, STDIO),
        rules: &[],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
    // https://docs.tabnine.com/main/getting-started/tabnine-agent/mcp-intro-and-setup
    Client {
        id: "tabnine",
        name: "Tabnine Agent",
        rank: Second,
        evidence: Vendor,
        project_file: Some(".tabnine/mcp_servers.json"),
        user_file: Some("~/.tabnine/mcp_servers.json"),
        format: Json,
        // How headers are given is not confirmed.
        token: Token::Bridge,
        shape: Shape {
            http: None,
            ..servers(HTTP, STDIO)
        },
        rules: &[".tabnine/guidelines/*.md"],
        hooks: Hooks::None,
        approve: "",
        check: "",
    },
];

/// The object of headers.
const HEADERS: Part = Part::Members(&[("Authorization", Part::Authorization)]);

/// The client tells by the URL that it is HTTP.
const HTTP: Members = &[("url", Part::Url), ("headers", HEADERS)];

/// The client wants to be told.
const TYPED_HTTP: Members = &[
    ("type", Part::Text("http")),
    ("url", Part::Url),
    ("headers", HEADERS),
];

const COPILOT_HTTP: Members = &[
    ("type", Part::Text("http")),
    ("url", Part::Url),
    ("headers", HEADERS),
    ("tools", Part::Texts(&["*"])),
];

/// As opencode and what came of it write it. `oauth` off: no sign-in is tried
/// when a token is refused.
const REMOTE: Members = &[
    ("type", Part::Text("remote")),
    ("url", Part::Url),
    ("enabled", Part::Bool(true)),
    ("headers", HEADERS),
    ("oauth", Part::Bool(false)),
];

const STDIO: Members = &[("command", Part::Program), ("args", Part::Arguments)];

const TYPED_STDIO: Members = &[
    ("type", Part::Text("stdio")),
    ("command", Part::Program),
    ("args", Part::Arguments),
];

const COPILOT_STDIO: Members = &[
    ("type", Part::Text("stdio")),
    ("command", Part::Program),
    ("args", Part::Arguments),
    ("tools", Part::Texts(&["*"])),
];

const APPROVING_STDIO: Members = &[
    ("command", Part::Program),
    ("args", Part::Arguments),
    ("disabled", Part::Bool(false)),
    ("autoApprove", Part::Texts(&[])),
];

const LOCAL: Members = &[
    ("type", Part::Text("local")),
    ("command", Part::CommandLine),
    ("enabled", Part::Bool(true)),
];

/// Servers by their names below `mcpServers`.
const fn servers(http: Members, stdio: Members) -> Shape {
    shape(&["mcpServers"], http, stdio)
}

/// Servers by their names below `path`.
const fn shape(path: &'static [&'static str], http: Members, stdio: Members) -> Shape {
    Shape {
        beside: &[],
        http: Some(Entry {
            path,
            listed: false,
            members: http,
        }),
        stdio: Entry {
            path,
            listed: false,
            members: stdio,
        },
    }
}
