"""Array work below the layers: windows, patches, and the products that are made of them."""
