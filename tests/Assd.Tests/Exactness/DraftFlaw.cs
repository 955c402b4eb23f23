namespace AsArm.Assd.Tests.Exactness;

/// <summary>
/// Variants of <see cref="FlawedSampler" />, exact ones and deliberately wrong ones; public as a parameter of test methods.
/// </summary>
public enum DraftFlaw
{
    /// <summary>Token-wise verification, with new draft tokens in every step.</summary>
    None,

    /// <summary>
    /// Token-wise verification that uses the draft tokens behind a rejection again: exact, since they have not influenced anything.
    /// </summary>
    TokenWiseReuse,

    /// <summary>Block verification, with new draft tokens in every step.</summary>
    Block,

    /// <summary>
    /// Block verification that uses the draft tokens behind the accepted ones again: wrong, since they influenced the acceptance.
    /// </summary>
    BlockReuse,

    /// <summary>Verification with a distribution other than the one that was drawn from.</summary>
    OtherDistribution,

    /// <summary>Draft tokens from a draft head, verified with the distributions that they were drawn from.</summary>
    Head,

    /// <summary>Draft tokens from a draft head, verified with the rows that it corrected: wrong.</summary>
    HeadVerifiedAsItsRow,

    /// <summary>The number of draft tokens to verify depends on their values.</summary>
    PolicyLooksAtTheToken,
}
