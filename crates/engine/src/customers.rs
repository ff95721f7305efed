use earmark_records::{Customer, PageRequest};
use earmark_voiceprint::{CustomerId, TenantId};

use crate::engine::Engine;
use crate::enrollment::actor;
use crate::time::now;
use crate::{EngineError, Page};

impl Engine {
    /// One customer.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn customer(&self, tenant: &TenantId, customer: &CustomerId) -> Result<Customer, EngineError> {
        self.galleries(tenant)?;
        Ok(self.records().customer(tenant, customer)?)
    }

    /// Customers by id.
    ///
    /// # Errors
    /// A bad page token, or a store's failure.
    pub fn customers(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Customer>, EngineError> {
        self.galleries(tenant)?;
        Ok(self.records().list_customers(tenant, page)?)
    }

    /// Deletes a customer and every voiceprint of theirs.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn delete_customer(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: Option<&str>,
    ) -> Result<(), EngineError> {
        let galleries = self.galleries(tenant)?;
        let _turn = galleries.turn();
        self.records().delete_customer(tenant, customer, &actor(by)?, now())?;
        Ok(galleries.customers.remove(customer)?)
    }

    /// Deletes a customer's voiceprints and remembers the refusal.
    ///
    /// # Errors
    /// A store's failure.
    pub fn opt_out(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: Option<&str>,
    ) -> Result<Customer, EngineError> {
        let galleries = self.galleries(tenant)?;
        let _turn = galleries.turn();
        self.records().opt_out(tenant, customer, &actor(by)?, now())?;
        galleries.customers.remove(customer)?;
        Ok(self.records().customer(tenant, customer)?)
    }

    /// Takes a refusal back; the customer may be enrolled again.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn opt_in(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: Option<&str>,
    ) -> Result<(), EngineError> {
        self.galleries(tenant)?;
        Ok(self.records().opt_in(tenant, customer, &actor(by)?, now())?)
    }
}
