//! Unions on the wire.
//!
//! A union travels as an object with exactly one key, the variant's name: `{"message": {…}}`. That is
//! what Business Messages does, and it reads well. A key that this build does not know decodes to `Unknown`, so an old widget shows a
//! fallback where a new server says something new; two keys at once are refused.
//!
//! What stands `in studio` is said only to and by representatives: without the feature `studio`, the browser's
//! reader and writer do not know it, and visitors do not download it.

/// Declares such a union: the variants, their wire names and their payloads.
macro_rules! oneof {
    (
        $(#[$outer:meta])*
        pub enum $union:ident {
            $( $(#[$inner:meta])* $variant:ident($payload:ty) = $name:literal $(in $room:ident)?, )+
        }
    ) => {
        $(#[$outer])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $union {
            $( $(#[$inner])* $variant($payload), )+
            /// A variant that this build does not know.
            Unknown,
        }

        $( impl From<$payload> for $union {
            fn from(payload: $payload) -> Self { Self::$variant(payload) }
        } )+

        impl serde::Serialize for $union {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut map = serializer.serialize_map(Some(1))?;
                match self {
                    $( Self::$variant(payload) => map.serialize_entry($name, payload)?, )+
                    Self::Unknown => {}
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $union {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct OneKey;
                impl<'de> serde::de::Visitor<'de> for OneKey {
                    type Value = $union;

                    fn expecting(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                        formatter.write_str("an object with exactly one key")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$union, A::Error> {
                        use serde::de::Error as _;
                        let mut found = None;
                        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            if found.is_some() {
                                return Err(A::Error::custom("more than one kind at once"));
                            }
                            found = Some(match key.as_ref() {
                                $( $name => $union::$variant(map.next_value()?), )+
                                _ => {
                                    map.next_value::<serde::de::IgnoredAny>()?;
                                    $union::Unknown
                                }
                            });
                        }
                        found.ok_or_else(|| A::Error::custom("no kind given"))
                    }
                }
                deserializer.deserialize_map(OneKey)
            }
        }

        impl crate::json::Wire for $union {
            fn read(value: &crate::json::Value<'_>) -> Result<Self, crate::json::Error> {
                let (name, payload) = value.only_member()?;
                Ok(match name {
                    $( $name $(if crate::SPEAKS_FOR_STUDIO && stringify!($room) == "studio")? => Self::$variant(crate::json::Wire::read(payload)?), )+
                    _ => Self::Unknown,
                })
            }

            fn write(&self, out: &mut crate::json::Writer) {
                out.raw("{");
                match self {
                    $( Self::$variant(payload) $(if crate::SPEAKS_FOR_STUDIO && stringify!($room) == "studio")? => {
                        out.member($name, payload);
                    } )+
                    _ => {}
                }
                out.raw("}");
            }
        }
    };
}

pub(crate) use oneof;
