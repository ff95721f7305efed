//! Page requests, the same for every list.

use earmark_engine::{EngineError, PageRequest, PageSize, PageToken};

use crate::refusal::Refusal;

/// As the proto files promise.
const DEFAULT_PAGE_SIZE: u32 = 100;

/// Which page is wanted. Sizes beyond the greatest give the greatest (AIP-158).
pub(crate) fn page(page_size: i32, page_token: &str) -> Result<PageRequest, Refusal> {
    let size = u32::try_from(page_size)
        .map_err(|_| Refusal::field("page_size", "BAD_PAGE_SIZE", "must be 0 to 1,000; 0 means 100"))?;
    let size = PageSize::new(if size == 0 { DEFAULT_PAGE_SIZE } else { size });
    let token = match page_token {
        "" => None,
        text => Some(PageToken::from_text(text).map_err(EngineError::from)?),
    };
    Ok(PageRequest { size, token })
}

/// What the reply holds for the next page.
pub(crate) fn next_page_token(next: Option<PageToken>) -> String {
    next.map_or_else(String::new, |token| token.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_promised() {
        let size = |n| page(n, "").unwrap().size.get();
        assert_eq!((size(0), size(7), size(i32::MAX)), (100, 7, 1000));
        assert_eq!(page(-1, "").unwrap_err().reason(), "BAD_PAGE_SIZE");
    }

    #[test]
    fn a_token_too_long_to_be_ours_is_refused() {
        assert_eq!(page(0, &"x".repeat(10_000)).unwrap_err().reason(), "BAD_PAGE_TOKEN");
        assert_eq!(page(0, "").unwrap().token, None);
        assert_eq!(next_page_token(page(0, "abc").unwrap().token), "abc");
    }
}
