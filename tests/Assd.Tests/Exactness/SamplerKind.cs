namespace AsArm.Assd.Tests.Exactness;

/// <summary>The exact samplers under test; public as a parameter of test methods.</summary>
public enum SamplerKind
{
    Sequential,
    Assd,
    Ngram,

    /// <summary>Fused with an adaptive plan for cheap rows, a table of trigrams and block verification.</summary>
    Fused,

    /// <summary>Fused with fixed products of rows and n-grams, token-wise verification, and no table.</summary>
    FusedTokenWise,
}
