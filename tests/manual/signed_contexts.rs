#[test]
fn keys_come_from_a_function() {
    // snippet
    use std::sync::{Arc, RwLock};

    use sea_orm_rls::RlsConfig;
    use sea_orm_rls::signing::SigningKey;

    fn config(current: Arc<RwLock<SigningKey>>) -> RlsConfig {
        RlsConfig::new().signing_keys(move || match current.read() {
            Ok(key) => key.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        })
    }
    // end

    let key = SigningKey::random();
    let shown = format!("{:?}", config(Arc::new(RwLock::new(key.clone()))));
    let secret = key.expose();
    let (_, bytes) = secret.split_once(':').unwrap();
    assert!(!shown.contains(bytes), "{shown}");
}
