# Made by Terraform for each project. Needs no provider from the network. Replace it with what you need.

terraform {
  # Provost sets TF_HTTP_ADDRESS and the others: the state is kept with the project.
  backend "http" {}
}

variable "size" {
  type    = number
  default = 1
}

resource "terraform_data" "thing" {
  input = var.size
}

output "size" {
  value = terraform_data.thing.output
}

output "key" {
  value     = "key-of-${terraform_data.thing.id}"
  sensitive = true
}
