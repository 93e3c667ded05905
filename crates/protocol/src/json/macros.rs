//! How a type says what it is on the wire.

/// Says so. Serde's derives say the same natively; a test compares the two.
///
/// ```text
/// wire!(struct Note { text, source [optional], kind = "type" });
/// wire!(enum Reason { TooSlow = "too-slow", Silent = "silent", _ = ShuttingDown });
/// wire!(text BrandId, BrandId::as_str);  // by `FromStr` and this
/// wire!(newtype Timestamp);  // as what is in it
/// ```
/// An `[optional]` member may be absent and then has its default; it is left out where it says nothing.
macro_rules! wire {
    (struct $type:ident { $( $field:ident $(= $name:literal)? $([$mode:ident])? ),* $(,)? }) => {
        impl $crate::json::Wire for $type {
            fn read(value: &$crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                value.check_object()?;
                Ok(Self { $( $field: $crate::json::wire!(@read value, $field $(= $name)? $([$mode])?)?, )* })
            }

            fn write(&self, out: &mut $crate::json::Writer) {
                out.raw("{");
                $( $crate::json::wire!(@write out, self, $field $(= $name)? $([$mode])?); )*
                out.raw("}");
            }
        }
    };
    (enum $type:ident { $( $variant:ident = $name:literal ),+ $(, _ = $other:ident )? $(,)? }) => {
        impl $crate::json::Wire for $type {
            fn read(value: &$crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                match value.text()? {
                    $( $name => Ok(Self::$variant), )+
                    $( _ => Ok(Self::$other), )?
                    #[allow(unreachable_patterns, reason = "only where nothing stands for what is not known")]
                    _ => Err($crate::json::Error),
                }
            }

            fn write(&self, out: &mut $crate::json::Writer) {
                out.string(match self { $( Self::$variant => $name, )+ });
            }
        }
    };
    (text $type:ident, $as_text:path) => {
        impl $crate::json::Wire for $type {
            fn read(value: &$crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                value.text()?.parse().map_err(|_| $crate::json::Error)
            }

            fn write(&self, out: &mut $crate::json::Writer) {
                out.string($as_text(self).as_ref());
            }
        }
    };
    (newtype $type:ident) => {
        impl $crate::json::Wire for $type {
            fn read(value: &$crate::json::Value<'_>) -> Result<Self, $crate::json::Error> {
                $crate::json::Wire::read(value).map(Self)
            }

            fn write(&self, out: &mut $crate::json::Writer) {
                $crate::json::Wire::write(&self.0, out);
            }
        }
    };
    (@read $value:ident, $field:ident) => { $value.required(stringify!($field)) };
    (@read $value:ident, $field:ident = $name:literal) => { $value.required($name) };
    (@read $value:ident, $field:ident [optional]) => { $value.optional(stringify!($field)) };
    (@write $out:ident, $self:ident, $field:ident) => { $out.member(stringify!($field), &$self.$field) };
    (@write $out:ident, $self:ident, $field:ident = $name:literal) => { $out.member($name, &$self.$field) };
    (@write $out:ident, $self:ident, $field:ident [optional]) => {
        $out.optional(stringify!($field), &$self.$field)
    };
}

pub(crate) use wire;
