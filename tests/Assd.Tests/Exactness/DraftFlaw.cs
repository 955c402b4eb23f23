namespace AsArm.Assd.Tests.Exactness;

/// <summary>What <see cref="FlawedSampler" /> does, right or wrong on purpose; public as a parameter of test methods.</summary>
public enum DraftFlaw
{
    /// <summary>Token-wise, fresh drafts.</summary>
    None,

    /// <summary>Token-wise, drafts behind the rejected one are used again: exact, as nothing has looked at them.</summary>
    TokenWiseReuse,

    /// <summary>Block verification, fresh drafts.</summary>
    Block,

    /// <summary>Block verification, drafts behind the kept ones are used again though the test has looked at them.</summary>
    BlockReuse,

    /// <summary>The test uses a distribution other than the one that was drawn from.</summary>
    OtherDistribution,

    /// <summary>How many draft tokens are tested is decided after looking at them.</summary>
    PolicyLooksAtTheToken,
}
