//! TLS by the server itself, with certificates that are renewed while it runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

use crate::closing::ClosingWatch;
use crate::config::TlsFiles;

/// How often the files are looked at. ACME clients renew weeks before the end: a minute is soon enough.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The current certificate.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

/// Why the certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, unreadable or not PEM.
    #[error("cannot read {path}: {source}. It must be a PEM file that the user running portico may read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The file has no certificate.
    #[error("{path} holds no certificate: put the chain there, the server's own certificate first")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Both can be read, but do not belong together, or are of a kind that nobody uses.
    #[error("the certificate and the key cannot be used together: {0}")]
    Mismatch(#[from] rustls::Error),
}

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let current = RwLock::new(read(&files)?);
        Ok(Self { files, current })
    }

    /// With the certificate of this moment.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Reads the files again whenever they changed, or on SIGHUP, until the server ends. A renewal that
    /// cannot be used leaves the old certificate in place. SIGHUP is caught from this call on.
    pub fn keep_fresh(self: Arc<Self>, mut closing: ClosingWatch) -> impl Future<Output = ()> {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut seen = changed_at(&self.files);
        async move {
            loop {
                let was_asked = tokio::select! {
                    () = closing.begun() => return,
                    () = received(hangup.as_mut()) => true,
                    () = tokio::time::sleep(LOOK_EVERY) => false,
                };
                let found = changed_at(&self.files);
                if was_asked || found != seen {
                    seen = found;
                    self.reload();
                }
            }
        }
    }

    fn reload(&self) {
        match read(&self.files) {
            Ok(fresh) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                tracing::info!("Read the renewed certificate");
            }
            Err(error) => tracing::error!(%error, "Kept the old certificate: {error}"),
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Both files as the server needs them.
///
/// # Errors
/// See [`TlsError`].
fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|source| TlsError::File { path: files.key.clone(), source })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The chain in a PEM file.
///
/// # Errors
/// See [`TlsError`].
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file_error = |source| TlsError::File { path: path.into(), source };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(file_error)?.collect();
    let chain = chain.map_err(file_error)?;
    if chain.is_empty() { Err(TlsError::Empty { path: path.into() }) } else { Ok(chain) }
}

fn changed_at(files: &TlsFiles) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok())
}
