//! How the descriptors of the process (`ulimit -n`) are divided.
//!
//! A connection takes one descriptor. Beside it, an upload that does not fit into memory takes one
//! for its temporary file, and the reader of a large file one for that file. If only connections were
//! counted, such clients would use up what accept(2) needs, and no new client would be served.

/// Connections that may be open where the configuration does not say otherwise.
const CONNECTIONS: usize = 10_000;

/// Descriptors that are set aside for standard input and output, the listeners, the stop's socket
/// pair, the poller, the logs, and a connection that is being accepted or rejected.
const FIXED: usize = 16;

/// The most descriptors that one worker has open besides those that are counted: a folder and a file in
/// it that is being looked up, or the copy of the socket that it streams from.
const FOR_EACH_WORKER: usize = 2;

/// The most rejected connections that are kept until they have read the reason.
const REFUSED: usize = 256;

/// The most files that a file cache keeps open, and the part of the limit that it may take.
const KEPT: usize = 4096;
const KEPT_PART: usize = 16;

/// The number of descriptors for each purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// Connections that are admitted.
    pub(super) connections: usize,
    /// Files and bodies: temporary files of uploads, files that one response holds.
    pub(super) transfers: usize,
    /// Files that the file cache keeps open.
    pub(super) kept: usize,
    /// Rejected connections that are being drained.
    pub(super) refused: usize,
    /// Those that workers have open for a moment.
    pub(super) workers: usize,
}

impl Descriptors {
    /// Divides `limit` descriptors between `connections` that are wanted at most, `workers`, and files.
    ///
    /// Connections get three quarters, less the fixed reserve, or as many as are wanted if that is
    /// less. Of the rest the workers get a quarter at most and refused connections an eighth; what the
    /// cache leaves is for files and bodies.
    pub(super) fn divide(limit: usize, connections: usize, workers: usize) -> Descriptors {
        let fit = (limit - limit / 4).saturating_sub(FIXED).max(1);
        let connections = connections.min(fit);
        let rest = limit.saturating_sub(connections + FIXED);
        let workers = workers.saturating_mul(FOR_EACH_WORKER).min(rest / 4);
        let refused = REFUSED.min(rest / 8).max(1);
        let kept = kept_files(limit);
        let transfers = rest.saturating_sub(workers + refused + kept).max(1);
        Descriptors { connections, transfers, kept, refused, workers }
    }

    /// Divides `limit` descriptors as [`Descriptors::divide`]. When they are too few for the
    /// connections, the log is told. Connections that were configured (`wanted`) may be open all the
    /// same: the configuration is right about its clients, or `accept` waits for descriptors.
    pub(super) fn divide_as_configured(
        limit: Option<usize>,
        wanted: Option<usize>,
        workers: usize,
    ) -> Descriptors {
        let most = wanted.unwrap_or(CONNECTIONS);
        let limit = limit.unwrap_or(usize::MAX);
        let divided = Descriptors::divide(limit, most, workers);
        let fit = divided.connections;
        if fit >= most {
            return divided;
        }
        let needed = (most + FIXED) / 3 * 4 + 4;
        let connections = wanted.unwrap_or(fit);
        log::warn!(
            "the limit of {limit} descriptors allows {fit} connections instead of {most}; \
             at most {connections} are accepted; right: ulimit -n {needed}"
        );
        Descriptors { connections, ..divided }
    }
}

/// Returns how many files a file cache may keep open of `limit` descriptors. Each [`Files`] counts for
/// itself: a server that has several of them needs a higher limit.
///
/// [`Files`]: super::Files
pub(super) fn kept_files(limit: usize) -> usize {
    (limit / KEPT_PART).min(KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_divided() {
        for (limit, workers, connections, transfers, kept, refused, for_workers) in [
            (64, 4, 32, 6, 4, 2, 4),
            (128, 32, 80, 12, 8, 4, 8),
            (256, 32, 176, 24, 16, 8, 16),
            (1024, 32, 752, 96, 64, 32, 64),
            (1024, 4, 752, 152, 64, 32, 8),
            (4096, 32, 3056, 576, 256, 128, 64),
            (13_356, 32, 10_000, 2186, 834, 256, 64),
            (65_536, 32, 10_000, 51_104, 4096, 256, 64),
            (1_000_000, 32, 10_000, 985_568, 4096, 256, 64),
        ] {
            let want = Descriptors { connections, transfers, kept, refused, workers: for_workers };
            assert_eq!(Descriptors::divide(limit, CONNECTIONS, workers), want, "{limit} {workers}");
        }
    }

    #[test]
    fn the_sum_is_never_more_than_the_limit() {
        let limits = (64..5_000).chain((5_000..=1_000_000).step_by(997));
        for limit in limits.chain([1_000_000, usize::MAX]) {
            for (wanted, workers) in
                [(CONNECTIONS, 32), (CONNECTIONS, 10_000), (3, 1), (1 << 20, 1)]
            {
                let Descriptors { connections, transfers, kept, refused, workers } =
                    Descriptors::divide(limit, wanted, workers);
                let parts = [connections, transfers, kept, refused, workers];
                let sum = FIXED + parts.iter().sum::<usize>();
                assert!(sum <= limit && transfers > 1, "{limit}: {parts:?}");
            }
        }
    }

    #[test]
    fn what_is_configured_may_be_open_though_it_does_not_fit() {
        let as_configured =
            |limit, wanted| Descriptors::divide_as_configured(limit, wanted, 4).connections;
        assert_eq!(as_configured(Some(40), None), 14);
        assert_eq!(as_configured(Some(40), Some(1000)), 1000);
        assert_eq!(as_configured(Some(40), Some(10)), 10);
        assert_eq!(as_configured(None, None), CONNECTIONS);
    }
}
