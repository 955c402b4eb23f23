namespace AsArm.Assd.Tests;

/// <summary>The exact samplers under test; public as a parameter of test methods.</summary>
public enum SamplerKind
{
    Sequential,
    Assd,
}
