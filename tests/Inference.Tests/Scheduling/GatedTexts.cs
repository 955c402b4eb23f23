using AsArm.Inference.Infilling;
using AsArm.Inference.Tests.Support;

namespace AsArm.Inference.Tests.Scheduling;

/// <summary>Requests to an infiller whose forward passes wait for the test, and what they give alone.</summary>
internal static class GatedTexts
{
    private static readonly Lazy<TextInfiller> s_alone = new(() => TextInfiller.Open(Files.Default)); // closed with the process

    public static TextInfiller Open(out GatedModel model, TextInfillerOptions? options = null)
    {
        GatedModel? gated = null;
        var infiller = TextInfiller.Open(Files.Default, options ?? new(), network => gated = new GatedModel(network));
        model = gated!;
        return infiller;
    }

    public static InfillRequest Request(int number, int tokens = 1) => new($"Number {number} is <mask:{tokens}>.", new InfillOptions { Seed = number, Sampler = SamplerKind.Sequential });

    public static string Alone(int number, int tokens = 1) => s_alone.Value.Infill(Request(number, tokens)).Text;
}
