//! Enumerations whose members are words: on the wire, in the database, on the
//! command line.

/// Defines one: each member with its word, which is its name in snake case.
/// (Given to `serde` word by word, the OpenAPI document would not see it.)
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $member:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$of])* $member),+
        }

        impl $name {
            /// All members, in their order.
            pub const ALL: [$name; [$($word),+].len()] = [$($name::$member),+];

            pub fn word(self) -> &'static str {
                match self {
                    $($name::$member => $word),+
                }
            }

            pub fn from_word(word: &str) -> Option<$name> {
                $name::ALL.into_iter().find(|one| one.word() == word)
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    #[test]
    fn a_word_is_the_same_on_the_wire() {
        macro_rules! check {
            ($($name:path),+ $(,)?) => {$({
                use $name as Words;
                for one in Words::ALL {
                    assert_eq!(serde_json::to_value(one).expect("a word"), one.word());
                    assert_eq!(Words::from_word(one.word()), Some(one));
                }
                assert_eq!(Words::from_word("wish"), None);
            })+};
        }
        check!(
            crate::agents::AgentStatus,
            crate::leases::LeaseKind,
            crate::leases::LeaseMode,
            crate::leases::LeaseStatus,
            crate::messages::AnswerState,
            crate::messages::DeliveredBy,
            crate::messages::MessageKind,
            crate::messages::ReceiptState,
            crate::messages::ToKind,
            crate::requests::RequestKind,
            crate::requests::RequestStatus,
            crate::requests::Silence,
            crate::tasks::TaskStatus,
            crate::tokens::PrincipalKind,
            crate::tokens::Role,
        );
    }
}
