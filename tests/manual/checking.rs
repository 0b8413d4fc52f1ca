use crate::Tested;
use crate::world::{World, world};

#[tokio::test]
async fn doctor_finds_nothing_in_a_migrated_database() -> Tested {
    // snippet
    use sea_orm_rls::doctor::{Doctor, Severity};

    let World { owner, db, .. } = &world().await?; // hidden
    let doctor = Doctor::new(db.registry().clone(), db.config().clone());
    let report = doctor.examine(owner).await?;
    print!("{}", report.text(true));
    assert_eq!(report.exit_code(Severity::Warning), 0);
    // end

    Ok(())
}
