namespace AsArm.Assd.Tests.Exactness;

/// <summary>The exact samplers under test; public as a parameter of test methods.</summary>
public enum SamplerKind
{
    Sequential,
    Assd,
    Ngram,

    /// <summary>Fused with an adaptive policy for a high overhead, a table of trigrams and block verification.</summary>
    Fused,

    /// <summary>Fused with a fixed policy that prefers products, token-wise verification, and no table.</summary>
    FusedTokenWise,

    /// <summary>As Fused, with a random draft head.</summary>
    FusedHead,
}
