// A minimal API: concurrent requests share forward passes.
// Try: curl -s localhost:5080/infill -H 'Content-Type: application/json' -d '{"text": "The little dog <mask:3> the garden.", "seed": 1}'
using AsArm.Inference.Infilling;
using AsArm.Inference.Scheduling;
using AsArm.Inference.Text;
using AsArm.Models;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.Services.AddAsArm(options =>
{
    options.ModelPath = English18M.FolderPath;
    options.DraftMode = DraftMode.Throughput; // for many callers
    options.MaxQueuedRequests = 256;
    options.QueueFullMode = QueueFullMode.Reject;
    builder.Configuration.GetSection("AsArm").Bind(options);
});
WebApplication app = builder.Build();

app.MapPost("/infill", async (InfillBody body, ITextInfiller infiller, CancellationToken aborted) =>
{
    try
    {
        var options = new InfillOptions { Temperature = body.Temperature ?? 0.7, Seed = body.Seed, Timeout = TimeSpan.FromSeconds(30) };
        InfillResult result = await infiller.InfillAsync(body.Text, options, aborted);
        return Results.Ok(new { result.Text, gaps = result.Gaps.Select(gap => gap.Text), result.Seed });
    }
    catch (QueueFullException)
    {
        return Results.StatusCode(StatusCodes.Status429TooManyRequests);
    }
    catch (Exception error) when (error is InfillTextException or ArgumentException)
    {
        return Results.BadRequest(new { error = error.Message });
    }
    catch (TimeoutException)
    {
        return Results.StatusCode(StatusCodes.Status504GatewayTimeout);
    }
});
app.Run();

internal sealed record InfillBody(string Text, double? Temperature, long? Seed);
