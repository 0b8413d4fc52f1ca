//! Rows that cannot be guessed, and what is said of them.

use super::shop::Shop;

#[tokio::test]
async fn table_that_cannot_be_guessed_is_named_with_its_hook() {
    let shop = Shop::new().await;
    let proof = shop.proof_without_rows().run(&shop.owner, &shop.db).await.unwrap();
    assert!(!proof.is_isolated());
    let [untested] = proof.untested() else { panic!("{proof}") };
    assert_eq!(untested.table.to_string(), "public.ticket");
    assert!(untested.reason.contains("23514") && untested.reason.contains("rows::<Entity>"), "{}", untested.reason);
    shop.prove().await.unwrap().assert_isolated();
}
