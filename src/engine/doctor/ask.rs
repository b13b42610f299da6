//! What has to be asked over the network for a picture: whose credentials STS shall judge, and whether the metadata
//! service of an instance can be meant at all. Asks nobody.

use super::behind::{Base, End, base_of};
use super::pick::{Origin, origin};
use super::picture::{Instance, Picture};
use crate::engine::aws_config::chain::Base as ChainBase;
use crate::engine::config::model::CredentialSource;

/// Whose credentials STS shall judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToAsk {
    /// The keys that stand in the credentials file.
    KeysInCredentials,
    /// The keys that stand in the AWS config.
    KeysInConfig,
    /// Whatever the profile resolves to.
    Profile,
    /// Whatever this platform gives.
    Provider(CredentialSource),
    /// There is nothing to ask for.
    Nothing,
}

/// Whose credentials STS shall judge: those that the AWS CLI picks for the profile.
pub fn to_ask(picture: &Picture) -> ToAsk {
    match origin(picture) {
        Origin::CredentialsKeys if picture.keys_in_credentials.whole() => ToAsk::KeysInCredentials,
        Origin::ConfigKeys if picture.keys_in_config.whole() => ToAsk::KeysInConfig,
        Origin::CredentialsKeys | Origin::ConfigKeys | Origin::Nothing | Origin::WebIdentityVariable => ToAsk::Nothing,
        Origin::Container => ToAsk::Provider(CredentialSource::EcsContainer),
        Origin::Instance => ToAsk::Provider(CredentialSource::Ec2InstanceMetadata),
        // Somebody would have to type a code.
        _ if matches!(base(picture).end, End::Fault(_)) => ToAsk::Nothing,
        Origin::Role | Origin::WebIdentity | Origin::Sso | Origin::Login | Origin::Process | Origin::Source => {
            ToAsk::Profile
        }
    }
}

/// Whether the metadata service of an instance is worth a question: tools would fall to it, or the profile names it.
pub fn may_be_instance(picture: &Picture) -> bool {
    if picture.platform.instance == Instance::Disabled {
        return false;
    }
    names_instance(picture)
        || (origin(picture) == Origin::Nothing && !picture.exported.keys.any() && picture.platform.lambda.is_none())
}

/// Whether the role of the instance stands behind the profile.
pub(super) fn names_instance(picture: &Picture) -> bool {
    match base(picture).end {
        End::Provider(provider) => provider == CredentialSource::Ec2InstanceMetadata,
        End::Chain(chain) => chain.base == ChainBase::Provider(CredentialSource::Ec2InstanceMetadata),
        End::Token(_) | End::Fault(_) => false,
    }
}

fn base(picture: &Picture) -> Base {
    base_of(picture.own_config(), &picture.aws, picture.profile())
}
