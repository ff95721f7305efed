use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use earmark_voiceprint::TenantId;

use crate::RecordsError;
use crate::hash::hash_parts;

/// How many items a page has unless the caller says otherwise.
pub const DEFAULT_PAGE_SIZE: u32 = 50;
/// The most items a page may have.
pub const MAX_PAGE_SIZE: u32 = 1000;

const TOKEN_VERSION: u8 = 1;
const CHECK_BYTES: usize = 16;
/// Room for an id of 128 bytes and a number, in base64.
const MAX_TOKEN_BYTES: usize = 512;

/// How many items a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// 0 means [`DEFAULT_PAGE_SIZE`]; more than [`MAX_PAGE_SIZE`] means that. (As AIP-158 has it.)
    #[must_use]
    pub fn new(wanted: u32) -> Self {
        Self(if wanted == 0 { DEFAULT_PAGE_SIZE } else { wanted.min(MAX_PAGE_SIZE) })
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Where the next page begins: opaque to the caller, and good only for the list, tenant and filter
/// it came from. It names the last item seen, so items added meanwhile neither repeat nor hide
/// others. It grants nothing: a forged one only begins elsewhere in the same list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(String);

impl PageToken {
    /// Takes a token back from outside; it is checked when it is used.
    ///
    /// # Errors
    /// [`RecordsError::BadPageToken`] for one longer than any that was given out.
    pub fn from_text(text: &str) -> Result<Self, RecordsError> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(RecordsError::BadPageToken);
        }
        Ok(Self(text.to_owned()))
    }

    /// The token as text, fit for a URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub size: PageSize,
    /// From the page before; `None` for the first page.
    pub token: Option<PageToken>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// For the next page; `None` if this is the last.
    pub next: Option<PageToken>,
}

impl<T> Page<T> {
    pub(crate) fn try_map<U>(
        self,
        convert: impl FnOnce(Vec<T>) -> Result<Vec<U>, RecordsError>,
    ) -> Result<Page<U>, RecordsError> {
        Ok(Page { items: convert(self.items)?, next: self.next })
    }
}

/// Which list a token belongs to: the list's name, the tenant, and the filter.
pub(crate) struct ListScope([u8; 32]);

impl ListScope {
    pub(crate) fn new(list: &'static str, tenant: &TenantId, filter: &[&str]) -> Self {
        let parts = [list, tenant.as_str()].into_iter().chain(filter.iter().copied());
        Self(hash_parts(parts.map(str::as_bytes)))
    }

    /// The sort key of the last item of the page before.
    pub(crate) fn start<const N: usize>(
        &self,
        page: &PageRequest,
    ) -> Result<Option<[String; N]>, RecordsError> {
        let Some(token) = &page.token else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(token.as_str()).map_err(|_| RecordsError::BadPageToken)?;
        self.key(&bytes).map(Some).ok_or(RecordsError::BadPageToken)
    }

    /// Cuts the one item too many that was asked for, and makes the token if there was one.
    pub(crate) fn page<T, const N: usize>(
        &self,
        mut rows: Vec<T>,
        size: PageSize,
        key: impl Fn(&T) -> [String; N],
    ) -> Page<T> {
        let more = rows.len() > size.get() as usize;
        rows.truncate(size.get() as usize);
        let next = if more { rows.last().map(|row| self.token(&key(row))) } else { None };
        Page { items: rows, next }
    }

    fn token(&self, key: &[String]) -> PageToken {
        let mut payload = vec![TOKEN_VERSION];
        for part in key {
            payload.extend((part.len() as u16).to_le_bytes());
            payload.extend(part.as_bytes());
        }
        let mut bytes = self.check(&payload).to_vec();
        bytes.extend(payload);
        PageToken(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn key<const N: usize>(&self, bytes: &[u8]) -> Option<[String; N]> {
        let (check, payload) = bytes.split_at_checked(CHECK_BYTES)?;
        let (version, mut rest) = payload.split_first()?;
        if check != self.check(payload) || *version != TOKEN_VERSION {
            return None;
        }
        let mut parts = Vec::with_capacity(N);
        while !rest.is_empty() {
            let (len, tail) = rest.split_first_chunk::<2>()?;
            let (part, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
            parts.push(String::from_utf8(part.to_vec()).ok()?);
            rest = tail;
        }
        parts.try_into().ok()
    }

    fn check(&self, payload: &[u8]) -> [u8; CHECK_BYTES] {
        let mut check = [0; CHECK_BYTES];
        check.copy_from_slice(&hash_parts([self.0.as_slice(), payload])[..CHECK_BYTES]);
        check
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(list: &'static str, tenant: &str, filter: &[&str]) -> ListScope {
        ListScope::new(list, &TenantId::new(tenant).unwrap(), filter)
    }

    fn asked(token: &PageToken) -> PageRequest {
        PageRequest { size: PageSize::default(), token: Some(token.clone()) }
    }

    #[test]
    fn size_has_a_default_and_a_limit() {
        assert_eq!(PageSize::new(0).get(), DEFAULT_PAGE_SIZE);
        assert_eq!(PageSize::new(7).get(), 7);
        assert_eq!(PageSize::new(u32::MAX).get(), MAX_PAGE_SIZE);
    }

    #[test]
    fn the_last_page_has_no_token() {
        let scope = scope("calls", "t", &[]);
        let full = scope.page(vec![1, 2, 3], PageSize::new(3), |n| [n.to_string()]);
        assert_eq!((full.items, full.next), (vec![1, 2, 3], None));
        let cut = scope.page(vec![1, 2, 3], PageSize::new(2), |n| [n.to_string()]);
        assert_eq!(cut.items, [1, 2]);
        assert_eq!(scope.start(&asked(&cut.next.unwrap())).unwrap(), Some(["2".to_owned()]));
    }

    #[test]
    fn a_token_of_another_list_tenant_filter_or_shape_is_refused() {
        let token = scope("calls", "t", &["a"]).token(&["k".to_owned()]);
        let others =
            [scope("proxies", "t", &["a"]), scope("calls", "u", &["a"]), scope("calls", "t", &["b"])];
        for other in others {
            assert!(matches!(other.start::<1>(&asked(&token)), Err(RecordsError::BadPageToken)));
        }
        let own = scope("calls", "t", &["a"]);
        assert!(matches!(own.start::<2>(&asked(&token)), Err(RecordsError::BadPageToken)));
        assert!(matches!(PageToken::from_text(&"A".repeat(513)), Err(RecordsError::BadPageToken)));
    }

    proptest! {
        #[test]
        fn any_key_comes_back(a in "\\PC{0,32}", b in any::<i64>()) {
            let scope = scope("calls", "租户", &[]);
            let token = scope.token(&[a.clone(), b.to_string()]);
            prop_assert!(token.as_str().len() <= MAX_TOKEN_BYTES);
            prop_assert_eq!(scope.start(&asked(&token)).unwrap(), Some([a, b.to_string()]));
        }

        #[test]
        fn any_change_is_refused(key in "\\PC{0,16}", at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let scope = scope("calls", "t", &[]);
            let mut bytes = URL_SAFE_NO_PAD.decode(scope.token(&[key]).as_str()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let token = PageToken(URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(matches!(scope.start::<1>(&asked(&token)), Err(RecordsError::BadPageToken)));
        }

        #[test]
        fn any_text_is_taken_without_a_panic(text in "\\PC{0,600}") {
            if let Ok(token) = PageToken::from_text(&text) {
                prop_assert!(scope("calls", "t", &[]).start::<1>(&asked(&token)).is_err());
            }
        }
    }
}
